// Package bandwidth estimates how much a path to one receiver carries, from what the receiver tells of each packet: when it
// arrived, or that it did not. docs/design/bandwidth.md explains why it is done like this.
//
// An Estimator has three sources. Delay: packets that arrive further and further apart than they were sent wait in a queue that
// grows (trend.go), and how long they wait at present is known too (queue.go). Loss, beyond what the path loses at any rate
// (loss.go). And probes, short bursts at a higher rate that show whether it arrives (probe.go).
//
// Everything is pure: times are handed in, nothing is allocated, and no method blocks. An Estimator is for one goroutine at a time.
// Times are nanoseconds, rates bits a second.
package bandwidth
