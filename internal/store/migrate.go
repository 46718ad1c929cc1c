package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// migrate applies what the database lacks, each migration in a transaction. A database of a newer version, and one that
// is not ours, are left alone.
func migrate(ctx context.Context, db *sql.DB, path string) error {
	if err := refuseForeign(ctx, db, path); err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > newest {
		return fmt.Errorf("its schema has version %d and this program knows %d: "+
			"run the newer program that wrote it, or restore a backup made before the upgrade", current, newest)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring schema from version %d to %d: %w", current, newest, err)
	}
	return nil
}

// refuseForeign keeps us from adding our tables to the database of another program.
func refuseForeign(ctx context.Context, db *sql.DB, path string) error {
	var all, ours int
	err := db.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(name = 'goose_db_version'), 0) FROM sqlite_schema").Scan(&all, &ours)
	if err != nil {
		return err
	}
	if all > 0 && ours == 0 {
		return fmt.Errorf("it belongs to another program: choose another file than %s", path)
	}
	return nil
}
