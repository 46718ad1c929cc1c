package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
)

// Postgres is a PostgreSQL of our own: its files are in a directory that goes with it, it is reached by a socket there, and it does not care
// for power cuts.
type Postgres struct {
	programs string // where initdb and the others are
	dir      string
	asRoot   bool // PostgreSQL refuses to run as root, so its own user does
}

// StartPostgres starts one. The caller must Stop it.
func StartPostgres(ctx context.Context) (_ *Postgres, err error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	if len(found) == 0 {
		return nil, errors.New("PostgreSQL is needed and was not found: install it with 'sudo apt-get install postgresql'")
	}
	slices.SortFunc(found, func(a, b string) int { return major(b) - major(a) })
	p := &Postgres{programs: found[0], asRoot: os.Getuid() == 0}
	if p.dir, err = os.MkdirTemp("", "pg-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.Stop()
		}
	}()
	if p.asRoot {
		if err := giveTo("postgres", p.dir); err != nil {
			return nil, err
		}
	}
	if err := p.run(ctx, "initdb", "-D", p.data(), "-U", "test", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"); err != nil {
		return nil, err
	}
	return p, p.run(ctx, "pg_ctl", "-D", p.data(), "-w", "-t", "30", "-l", filepath.Join(p.dir, "log"), "-o",
		"-k "+p.dir+" -c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off", "start")
}

// major is the version in a path like /usr/lib/postgresql/15/bin.
func major(programs string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(programs)))
	return n
}

func giveTo(name, dir string) error {
	owner, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		return err
	}
	return os.Chown(dir, uid, -1)
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// Database makes an empty database and returns how to reach it.
func (p *Postgres) Database(ctx context.Context, name string) (string, error) {
	if err := p.run(ctx, "createdb", "-h", p.dir, "-U", "test", name); err != nil {
		return "", err
	}
	return fmt.Sprintf("postgres:///%s?host=%s&user=test&sslmode=disable", name, p.dir), nil
}

func (p *Postgres) run(ctx context.Context, program string, args ...string) error {
	line := append([]string{filepath.Join(p.programs, program)}, args...)
	if p.asRoot {
		line = append([]string{"runuser", "-u", "postgres", "--"}, line...)
	}
	command := exec.CommandContext(ctx, line[0], line[1:]...)
	command.Dir = p.dir
	// Its output goes to a file: the server that pg_ctl leaves behind would hold a pipe open.
	said, err := os.Create(filepath.Join(p.dir, program+".out"))
	if err != nil {
		return err
	}
	defer func() { _ = said.Close() }()
	command.Stdout, command.Stderr = said, said
	if err := command.Run(); err != nil {
		text, _ := os.ReadFile(said.Name())
		return fmt.Errorf("%s: %w\n%s", program, err, text)
	}
	return nil
}

// Stop leaves nothing behind. It works after the run was interrupted too.
func (p *Postgres) Stop() {
	_ = p.run(context.Background(), "pg_ctl", "-D", p.data(), "-m", "immediate", "stop")
	_ = os.RemoveAll(p.dir)
}
