package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/archive"
	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/download"
	"github.com/rotunda-rtc/rotunda/internal/rest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Where recordings and compositions stay.
const (
	mediaLocal = "local"
	mediaS3    = "s3"
)

// recordingsDir is where recordings are while they are made and until they are archived; mediaDir is where they stay.
func recordingsDir(data string) string { return filepath.Join(data, "recordings") }
func mediaDir(data string) string      { return filepath.Join(data, "media") }

// checkMedia finds what S3 lacks. Commands beside the server need none of it, and may not be given the keys.
func (c *Config) checkMedia() error {
	if c.MediaStore != mediaS3 {
		return nil
	}
	var missing []string
	for _, s := range []struct {
		key   string
		given bool
	}{
		{"s3_endpoint", c.S3Endpoint != nil},
		{"s3_bucket", c.S3Bucket != ""},
		{"s3_access_key", c.S3AccessKey != ""},
		{"s3_secret_key", c.S3SecretKey != ""},
	} {
		if !s.given {
			missing = append(missing, variableOf(s.key))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("media cannot stay in S3 without %s", strings.Join(missing, ", "))
	}
	return nil
}

// objects says where objects are kept.
func (c *Config) objects(rootKey []byte) blob.Config {
	objects := blob.Config{Dir: mediaDir(c.Data), Secret: auth.Derive(rootKey, "media encryption"), Encrypt: c.MediaEncryption}
	if c.MediaStore == mediaS3 {
		objects.S3 = &blob.S3{
			Endpoint: c.S3Endpoint, Region: c.S3Region, Bucket: c.S3Bucket, Prefix: c.S3Prefix, Addressing: c.S3Addressing,
			AccessKey: c.S3AccessKey, SecretKey: c.S3SecretKey,
		}
	}
	return objects
}

// objectsCheck is how long a start waits for the place of objects to show that it works.
const objectsCheck = 15 * time.Second

// openObjects opens the place of objects, and sees that it can be written to. A bucket that cannot be reached does not keep the
// server from starting: calls need none, and recordings wait for it.
func (h *house) openObjects(ctx context.Context) (err error) {
	if h.objects, err = blob.Open(h.config.objects(h.own.rootKey)); err != nil {
		return fmt.Errorf("%w: choose another with --data, or --media-store s3", err)
	}
	h.later(h.objects.Close)
	checking, cancel := context.WithTimeout(ctx, objectsCheck)
	defer cancel()
	err = h.objects.Check(checking)
	switch reason := blob.ReasonOf(err); {
	case err == nil:
		return nil
	case h.config.MediaStore == mediaLocal:
		return fmt.Errorf("check media directory %s: %w: give this user write permission and room there", mediaDir(h.config.Data), err)
	case reason == blob.ReasonRefused:
		return fmt.Errorf("check bucket %s at %s: %w: see to its name, its region, and the rights of the access key to get, put and delete objects",
			h.config.S3Bucket, h.config.S3Endpoint, err)
	case reason == blob.ReasonMismatch:
		return fmt.Errorf("check bucket %s at %s: %w: recordings would be lost there", h.config.S3Bucket, h.config.S3Endpoint, err)
	}
	if ctx.Err() == nil {
		h.log.Warn("the bucket does not work at present; recordings wait for it", "bucket", h.config.S3Bucket, "endpoint", h.config.S3Endpoint.String(), "error", err)
	}
	return nil
}

// links signs media URLs. They stay good over a restart.
func (h *house) links() *blob.Links {
	return blob.NewLinks(auth.Derive(h.own.rootKey, "media links"), nil)
}

func (h *house) downloads() *download.Handler {
	return download.New(download.Config{
		Links: h.links(), Objects: h.db, Media: h.objects, Log: h.log, Downloaded: h.meter.downloaded, ErrorPages: h.config.baseURL(h.listener.Addr().String()) + rest.ErrorPages,
	})
}

// retentionInterval is how often recordings over their time are looked for.
const retentionInterval = time.Hour

// keepMedia has media deleted that is deleted in the record, or over its time.
func (h *house) keepMedia(ctx context.Context) error {
	remover := archive.NewRemover(archive.RemoverConfig{Deletions: h.db, Media: h.objects, Dir: recordingsDir(h.config.Data), Log: h.log})
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var keeping sync.WaitGroup
	keeping.Go(func() { remover.Run(ctx) })
	keeping.Go(func() { h.expire(ctx) })
	h.later(func() error { cancel(); keeping.Wait(); return nil })
	return errors.Join(
		h.metrics.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "rotunda_media_deletions_waiting",
			Help: "Recordings and compositions that were deleted and whose media is still to go.",
		}, func() float64 {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			n, err := h.db.CountMediaDeletions(ctx)
			if err != nil {
				return math.NaN()
			}
			return float64(n)
		})),
		h.metrics.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "rotunda_media_deletion_failures_total",
			Help: "Attempts to delete media that failed, to be made again.",
		}, func() float64 { return float64(remover.Failures()) })),
	)
}

// expire deletes recordings and compositions over their time, now and every hour, until ctx ends.
func (h *house) expire(ctx context.Context) {
	hour := time.NewTicker(retentionInterval)
	defer hour.Stop()
	actor := video.WithActor(ctx, video.Actor{KeyName: "retention"})
	for {
		n, err := h.db.PruneMedia(actor, time.Now(), h.config.RecordingRetention)
		if err != nil && ctx.Err() == nil {
			h.log.Warn("recordings over their time were not deleted, trying again in an hour", "error", err)
		}
		if n > 0 {
			h.log.Info("recordings and compositions over their time were deleted", "number", n)
		}
		select {
		case <-hour.C:
		case <-ctx.Done():
			return
		}
	}
}

func s3Endpoint(s string) (*url.URL, error) {
	u, err := webAddress(s)
	if err != nil {
		return nil, fmt.Errorf("must be the address of a server that speaks S3, without a path, such as https://s3.eu-central-1.amazonaws.com")
	}
	return u, nil
}

var bucketNames = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func bucketName(s string) (string, error) {
	if !bucketNames.MatchString(s) {
		return "", fmt.Errorf("must be the name of a bucket: 3 to 63 lower case letters, digits, dots and hyphens")
	}
	return s, nil
}

var keyPrefixes = regexp.MustCompile(`^([A-Za-z0-9_-][A-Za-z0-9._-]*/)+$`)

func keyPrefix(s string) (string, error) {
	s = strings.TrimSuffix(s, "/") + "/"
	if len(s) > 256 || !keyPrefixes.MatchString(s) {
		return "", fmt.Errorf("must be a path of letters, digits, dots, hyphens and underscores, such as rotunda/")
	}
	return s, nil
}

func addressing(s string) (blob.Addressing, error) {
	word, err := oneOf(string(blob.AddressingAuto), string(blob.AddressingPath), string(blob.AddressingHost))(s)
	return blob.Addressing(word), err
}

var sizes = regexp.MustCompile(`^([1-9][0-9]{0,5}) ?([KMGT])(i?)B$`)

// minFree takes auto for 0.
func minFree(s string) (uint64, error) {
	parts := sizes.FindStringSubmatch(s)
	if s == "auto" {
		return 0, nil
	}
	if parts == nil {
		return 0, fmt.Errorf("must be auto, or a size such as 500MB or 20GiB")
	}
	n, _ := strconv.ParseUint(parts[1], 10, 64) // its form was checked
	thousand := uint64(1000)
	if parts[3] == "i" {
		thousand = 1024
	}
	for range 1 + strings.Index("KMGT", parts[2]) {
		n *= thousand
	}
	return n, nil
}

// retention takes 0 for ever.
func retention(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d != 0 && (d < time.Hour || d > 87600*time.Hour) {
		return 0, fmt.Errorf("must be 0 for ever, or a time from 1h to 87600h, such as 720h")
	}
	return d, nil
}
