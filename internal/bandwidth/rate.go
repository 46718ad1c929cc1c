package bandwidth

const (
	bucketSpan = 20e6 // ns
	buckets    = 32
)

// rate tells how many bits a second arrived of late, by the receiver's clock.
type rate struct {
	bytes  [buckets]int
	newest int64 // bucket
	first  int64 // when the first packet arrived, 0 before
	last   int64 // when the last did
}

func (r *rate) add(arrived int64, size int) {
	bucket := arrived / bucketSpan
	switch {
	case r.first == 0 || bucket-r.newest >= buckets || r.newest-bucket > 10*buckets:
		*r = rate{newest: bucket, first: arrived, last: arrived}
	case bucket <= r.newest-buckets:
		return
	}
	for ; r.newest < bucket; r.newest++ {
		*r.at(r.newest + 1) = 0
	}
	*r.at(bucket) += size
	r.last = max(r.last, arrived)
}

// at returns what is counted of a bucket. Its number may be negative: the clock is the receiver's.
func (r *rate) at(bucket int64) *int { return &r.bytes[(bucket%buckets+buckets)%buckets] }

// over returns the rate of the latest part of so many ns, at most 600 ms, or 0 while too little is known.
func (r *rate) over(span int64) float64 {
	n := min(span/bucketSpan, buckets-1)
	from := max((r.newest-n+1)*bucketSpan, r.first)
	length := r.last - from
	if length < span/2 {
		return 0
	}
	sum := 0
	for i := range n {
		sum += *r.at(r.newest - i)
	}
	return float64(sum) * 8e9 / float64(length)
}
