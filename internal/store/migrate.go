package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var migrations embed.FS

// Plan is what a database lacks.
type Plan struct {
	Place   string   // of the database, without a password
	Current int64    // version of its schema, 0 before the first
	Target  int64    // version this program needs
	Pending []string // file names of the migrations to apply, in order; empty if it is up to date
}

// PlanMigration says what Migrate would do. It changes nothing, and makes no file. A database that cannot be used, is of a newer version
// or belongs to another program is an error.
func PlanMigration(ctx context.Context, config Config) (_ Plan, err error) {
	d, err := config.dialect()
	if err != nil {
		return Plan{}, err
	}
	if d.missing() {
		return d.plan(0)
	}
	db, err := d.open(true)
	if err != nil {
		return Plan{}, d.explain(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return d.inspect(ctx, db.DB)
}

// Migrate applies what the database lacks, each migration in a transaction, and returns the plan it carried out. When
// several processes do so at once on PostgreSQL, one does the work; the others wait for it and find nothing left to do.
func Migrate(ctx context.Context, config Config) (_ Plan, err error) {
	d, err := config.dialect()
	if err != nil {
		return Plan{}, err
	}
	db, err := d.open(false)
	if err != nil {
		return Plan{}, d.explain(err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	d.upgrades = true
	return d.migrate(ctx, db.DB)
}

// migrate brings the schema up to date, or refuses where that is the operator's to do.
func (d *dialect) migrate(ctx context.Context, db *sql.DB) (Plan, error) {
	plan, err := d.inspect(ctx, db)
	if err != nil || len(plan.Pending) == 0 {
		return plan, err
	}
	if !d.upgrades {
		return plan, d.explain(fmt.Errorf("its schema has version %d and this program needs %d: "+
			"make a backup, stop other servers, and run 'rotunda migrate apply'", plan.Current, plan.Target))
	}
	if plan.Pending, err = d.apply(ctx, db); err != nil {
		return plan, d.explain(fmt.Errorf("bring schema from version %d to %d: %w", plan.Current, plan.Target, err))
	}
	return plan, nil
}

// apply returns the names of the migrations that it applied.
func (d *dialect) apply(ctx context.Context, db *sql.DB) ([]string, error) {
	files, err := fs.Sub(migrations, d.folder)
	if err != nil {
		return nil, err
	}
	var options []goose.ProviderOption
	if d.lock != nil {
		option, err := d.lock()
		if err != nil {
			return nil, err
		}
		options = append(options, option)
	}
	provider, err := goose.NewProvider(d.migration, db, files, options...)
	if err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	applied := []string{}
	for _, result := range results {
		applied = append(applied, path.Base(result.Source.Path))
	}
	return applied, err
}

// inspect reads the version of the schema. A database of a newer version, and one that is not ours, are left alone.
func (d *dialect) inspect(ctx context.Context, db *sql.DB) (Plan, error) {
	current, err := d.version(ctx, db)
	if err != nil {
		return Plan{}, d.explain(err)
	}
	plan, err := d.plan(current)
	if err != nil {
		return Plan{}, err
	}
	if current > plan.Target {
		return Plan{}, d.explain(fmt.Errorf("its schema has version %d and this program knows %d: "+
			"run the newer program that wrote it, or restore a backup made before the upgrade", current, plan.Target))
	}
	return plan, nil
}

func (d *dialect) version(ctx context.Context, db *sql.DB) (int64, error) {
	if err := d.usable(ctx, db); err != nil {
		return 0, err
	}
	tables, err := d.tableNames(ctx, db)
	if err != nil || len(tables) == 0 {
		return 0, err
	}
	foreign := errors.New("it belongs to another program: choose another database")
	if !slices.Contains(tables, "goose_db_version") {
		return 0, foreign
	}
	var version int64
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&version)
	if err != nil || version == 0 {
		return version, err
	}
	// Asked again: another process may have made them since.
	if tables, err = d.tableNames(ctx, db); err == nil && !slices.Contains(tables, "account_totals") {
		err = foreign
	}
	return version, err
}

func (d *dialect) tableNames(ctx context.Context, db *sql.DB) (names []string, err error) {
	rows, err := db.QueryContext(ctx, d.tables)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// plan lists the migrations after a version.
func (d *dialect) plan(current int64) (Plan, error) {
	files, err := fs.Glob(migrations, path.Join(d.folder, "*.sql"))
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Place: d.place, Current: current, Pending: []string{}}
	for _, file := range files {
		version, err := goose.NumericComponent(file)
		if err != nil {
			return Plan{}, err
		}
		p.Target = max(p.Target, version)
		if version > current {
			p.Pending = append(p.Pending, strings.TrimPrefix(file, d.folder+"/"))
		}
	}
	return p, nil
}
