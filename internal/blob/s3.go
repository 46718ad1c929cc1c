package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 names a bucket of a server that speaks S3.
type S3 struct {
	Endpoint             *url.URL // scheme and host
	Region, Bucket       string
	Prefix               string // what its keys begin with; may be empty
	Addressing           Addressing
	AccessKey, SecretKey string
}

// Addressing says where the name of the bucket stands in a URL.
type Addressing string

const (
	AddressingAuto Addressing = "auto" // in the host for Amazon and Google, in the path for all others
	AddressingPath Addressing = "path"
	AddressingHost Addressing = "host"
)

// Limits of requests to a bucket. A transfer takes as long as it takes, if it moves.
const (
	dialTimeout   = 5 * time.Second
	answerTimeout = 30 * time.Second // for the head of an answer, and for each piece of it to come
	uploadTimeout = 5 * time.Minute  // for a part to be taken
	tidyTimeout   = 2 * time.Second  // to abort an upload that was given up: whoever did it may be about to stop
	attempts      = 3                // in quick succession; waiting longer is the caller's to do
	partSize      = 16 << 20         // of what is larger than this; one part is in memory
)

// bucket keeps objects in a bucket.
type bucket struct {
	client       *minio.Client
	transport    *http.Transport
	name, prefix string
	stall        time.Duration // answerTimeout
	upload       time.Duration // uploadTimeout
}

func openBucket(config S3) (*bucket, error) {
	lookup := map[Addressing]minio.BucketLookupType{AddressingPath: minio.BucketLookupPath, AddressingHost: minio.BucketLookupDNS}
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: answerTimeout,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   16,
		DisableCompression:    true, // objects come as they are
		ForceAttemptHTTP2:     true,
	}
	client, err := minio.New(config.Endpoint.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(config.AccessKey, config.SecretKey, ""),
		Secure: config.Endpoint.Scheme == "https", Region: config.Region, BucketLookup: lookup[config.Addressing],
		MaxRetries: attempts, Transport: tidying{transport},
	})
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	return &bucket{client, transport, config.Bucket, config.Prefix, answerTimeout, uploadTimeout}, nil
}

// tidying ends requests when the upload they belong to has been over for long enough. The library aborts an upload that failed,
// whatever became of its context, and gives a server that hangs a minute for it.
type tidying struct{ http.RoundTripper }

type untilKey struct{} // of a context that ends then

func (t tidying) RoundTrip(r *http.Request) (*http.Response, error) {
	until, ok := r.Context().Value(untilKey{}).(context.Context)
	if !ok {
		return t.RoundTripper.RoundTrip(r)
	}
	ctx, cancel := context.WithCancel(r.Context()) // no sooner: the answer is still to be read
	context.AfterFunc(until, cancel)
	return t.RoundTripper.RoundTrip(r.WithContext(ctx))
}

func (b *bucket) put(ctx context.Context, key string, content io.Reader, size int64, _ string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(b.upload, func() { cancel(errStalled) })
	defer timer.Stop()
	until, over := context.WithCancel(context.WithoutCancel(ctx))
	defer over()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(tidyTimeout, over) })()
	ctx = context.WithValue(ctx, untilKey{}, until)
	if size > partSize {
		b.forget(ctx, key)
	}
	_, err := b.client.PutObject(ctx, b.name, b.prefix+key, &moving{content, timer, b.upload}, size, minio.PutObjectOptions{
		ContentType:    "application/octet-stream", // objects are for us to serve
		SendContentMd5: true,                       // the one checksum that every server knows
	})
	if err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return explained(err)
}

// moving puts off a timer whenever it is read from.
type moving struct {
	content io.Reader
	timer   *time.Timer
	stall   time.Duration
}

func (m *moving) Read(p []byte) (int, error) {
	m.timer.Reset(m.stall)
	return m.content.Read(p)
}

func (b *bucket) open(ctx context.Context, key string) (object, error) {
	// One request for whether it is there, how large it is, and how it begins.
	body, header, err := b.get(ctx, key, 0, headSize, "")
	if err != nil {
		return nil, err
	}
	begin, err := io.ReadAll(io.LimitReader(body, headSize))
	if err := errors.Join(err, body.Close()); err != nil {
		return nil, err
	}
	_, total, _ := strings.Cut(header.Get("Content-Range"), "/")
	size, err := strconv.ParseInt(total, 10, 64)
	if err != nil {
		return nil, errors.New("the server ignores ranges")
	}
	return &inBucket{b, key, size, header.Get("ETag"), begin}, nil
}

// get asks for n bytes from a place on. With an etag, another object than that one is an error.
func (b *bucket) get(ctx context.Context, key string, from, n int64, etag string) (io.ReadCloser, http.Header, error) {
	var options minio.GetObjectOptions
	if err := options.SetRange(from, from+n-1); err != nil {
		return nil, nil, err
	}
	if etag != "" {
		options.Set("If-Match", etag)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	body, _, header, err := minio.Core{Client: b.client}.GetObject(ctx, b.name, b.prefix+key, options)
	if err != nil {
		cancel(nil)
		return nil, nil, explained(err)
	}
	timer := time.AfterFunc(time.Hour, func() { cancel(errStalled) })
	timer.Stop()
	return &impatient{ctx, cancel, body, timer, b.stall}, header, nil
}

var errStalled = errors.New("the server does not answer any more")

// impatient gives up on a body of which nothing comes. That its reader takes its time is no fault of the server.
type impatient struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	body   io.ReadCloser
	timer  *time.Timer
	stall  time.Duration
}

func (i *impatient) Read(p []byte) (int, error) {
	i.timer.Reset(i.stall)
	n, err := i.body.Read(p)
	i.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(i.ctx), errStalled) {
		err = errStalled
	}
	return n, err
}

func (i *impatient) Close() error {
	i.timer.Stop()
	i.cancel(nil)
	return i.body.Close()
}

func (b *bucket) delete(ctx context.Context, key string) error {
	err := explained(b.client.RemoveObject(ctx, b.name, b.prefix+key, minio.RemoveObjectOptions{}))
	if err != nil && !errors.Is(err, ErrAbsent) {
		return err
	}
	b.forget(ctx, key)
	return nil
}

// forget removes parts that a killed process left: they cost money and are in no list of objects. Not every server tells of them.
func (b *bucket) forget(ctx context.Context, key string) {
	_ = b.client.RemoveIncompleteUpload(ctx, b.name, b.prefix+key)
}

// explained makes ErrAbsent of what says so.
func explained(err error) error {
	if err != nil && minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return ErrAbsent
	}
	return err
}

// inBucket is an object in a bucket.
type inBucket struct {
	of    *bucket
	key   string
	bytes int64
	etag  string
	begin []byte // its first bytes
}

func (o *inBucket) size() int64  { return o.bytes }
func (o *inBucket) Close() error { return nil }

func (o *inBucket) read(ctx context.Context, from, n int64) (io.ReadCloser, error) {
	if from+n <= int64(len(o.begin)) {
		return io.NopCloser(bytes.NewReader(o.begin[from : from+n])), nil
	}
	body, _, err := o.of.get(ctx, o.key, from, n, o.etag)
	return body, err
}
