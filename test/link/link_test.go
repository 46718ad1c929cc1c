//go:build linux

package link_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/test/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, o link.Options) *link.Link {
	t.Helper()
	l, err := link.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// echo answers datagrams on the near side.
func echo(t testing.TB, l *link.Link) netip.AddrPort {
	t.Helper()
	conn, err := l.Near.ListenPacket(t.Context(), "udp4", l.NearAddress().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 2000)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(buffer[:n], from)
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func dial(t testing.TB, l *link.Link, network, to string) net.Conn {
	t.Helper()
	conn, err := l.Far.DialContext(t.Context(), network, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ping sends a datagram and returns how long its answer took.
func ping(t testing.TB, conn net.Conn, size int) time.Duration {
	t.Helper()
	began := time.Now()
	if _, err := conn.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Read(make([]byte, 2000)); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

func TestDatagramsTakeTheirTime(t *testing.T) {
	l := open(t, link.Options{Up: link.Conditions{Delay: 30 * time.Millisecond}, Down: link.Conditions{Delay: 10 * time.Millisecond}})
	conn := dial(t, l, "udp4", echo(t, l).String())
	var took []time.Duration
	for range 20 {
		took = append(took, ping(t, conn, 1000))
	}
	slices.Sort(took)
	if took[0] < 40*time.Millisecond {
		t.Errorf("an answer came after %v, which is sooner than 40 ms", took[0])
	}
	// What a loaded machine adds must not fail this; BenchmarkDelay tells how exact it is.
	if took[0] > 45*time.Millisecond {
		t.Errorf("the fastest of 20 answers took %v", took[0])
	}
}

func TestSidesAreAlone(t *testing.T) {
	l := open(t, link.Options{})
	err := l.Far.Do(func() error {
		interfaces, err := net.Interfaces()
		if len(interfaces) != 2 || interfaces[0].Name != "lo" || interfaces[1].Name != "eth0" {
			t.Errorf("the far side has %v", interfaces)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	// Both may have the same port, and the process's own network has neither address.
	for _, side := range []*link.Namespace{l.Near, l.Far} {
		listener, err := side.Listen(t.Context(), "tcp4", "127.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
	}
	if _, err := net.ListenPacket("udp4", l.NearAddress().String()+":0"); err == nil {
		t.Error("the process's own network has the near side's address")
	}
	if _, err := l.Far.DialContext(t.Context(), "udp4", "localhost:1"); err == nil {
		t.Error("a name was looked up, in whatever network")
	}
}

// The server of such a test runs in the process itself.
func TestNearSideMayBeHere(t *testing.T) {
	here, err := link.Here()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = here.Close() }()
	first, second := open(t, link.Options{Near: here}), open(t, link.Options{Near: here})
	for _, l := range []*link.Link{first, second} {
		conn, err := net.ListenPacket("udp4", l.NearAddress().String()+":0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dial(t, l, "udp4", conn.LocalAddr().String()).Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, from, err := conn.ReadFrom(make([]byte, 10)); err != nil || from.(*net.UDPAddr).AddrPort().Addr() != l.FarAddress() {
			t.Errorf("from %v: %v", from, err)
		}
		_ = conn.Close()
	}
}

// cameOf sends numbered datagrams one way and returns which of them came.
func cameOf(t *testing.T, seed uint64, n int) []uint64 {
	t.Helper()
	l := open(t, link.Options{Seed: seed, Up: link.Conditions{Loss: 0.3}})
	conn, err := l.Near.ListenPacket(t.Context(), "udp4", l.NearAddress().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	out := dial(t, l, "udp4", conn.LocalAddr().String())
	for i := range n {
		if _, err := out.Write(binary.BigEndian.AppendUint64(nil, uint64(i))); err != nil {
			t.Fatal(err)
		}
	}
	var came []uint64
	buffer := make([]byte, 8)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		up, _, err := l.State()
		if err != nil {
			t.Fatal(err)
		}
		if up.Came == uint64(n) && uint64(len(came)) == up.Passed {
			return came
		}
		if uint64(len(came)) < up.Passed {
			if _, _, err := conn.ReadFrom(buffer); err != nil {
				t.Fatal(err)
			}
			came = append(came, binary.BigEndian.Uint64(buffer))
		}
	}
}

func TestSameSeedLosesTheSameDatagrams(t *testing.T) {
	first := cameOf(t, 11, 200)
	if len(first) < 110 || len(first) > 170 {
		t.Errorf("%d of 200 came, want about 140", len(first))
	}
	if !slices.Equal(first, cameOf(t, 11, 200)) {
		t.Error("a second run lost others")
	}
	if slices.Equal(first, cameOf(t, 12, 200)) {
		t.Error("another seed lost the same")
	}
}

func TestRateHoldsForTCP(t *testing.T) {
	const rate, size = 20_000_000, 4_000_000
	l := open(t, link.Options{
		Up:   link.Conditions{Rate: rate, Delay: 5 * time.Millisecond, Queue: 200_000},
		Down: link.Conditions{Delay: 5 * time.Millisecond},
	})
	listener, err := l.Near.Listen(t.Context(), "tcp4", l.NearAddress().String()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	sent := make(chan error, 1)
	out := dial(t, l, "tcp4", listener.Addr().String())
	began := time.Now()
	go func() {
		_, err := out.Write(make([]byte, size))
		sent <- errors.Join(err, out.Close())
	}()
	in, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	_ = in.SetDeadline(time.Now().Add(30 * time.Second))
	n, err := io.Copy(io.Discard, in)
	took := time.Since(began)
	if err := errors.Join(err, <-sent); err != nil || n != size {
		t.Fatalf("%d bytes came: %v", n, err)
	}
	if got := float64(8*size) / took.Seconds(); got > rate {
		t.Errorf("%.1f Mbit/s went through", got/1e6)
	} else {
		t.Logf("%.1f Mbit/s", got/1e6)
	}
}

func TestConditionsChangeWhileItRuns(t *testing.T) {
	l := open(t, link.Options{})
	conn := dial(t, l, "udp4", echo(t, l).String())
	ping(t, conn, 100)
	if err := l.Apply("down delay 60ms"); err != nil {
		t.Fatal(err)
	}
	if took := ping(t, conn, 100); took < 60*time.Millisecond {
		t.Errorf("an answer took %v", took)
	}
	if err := l.Apply("outage on"); err != nil {
		t.Fatal(err)
	}
	before, _, err := l.State()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	for up := before; up.Came == before.Came; {
		if up, _, err = l.State(); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Set(link.Conditions{}, link.Conditions{}); err != nil {
		t.Fatal(err)
	}
	ping(t, conn, 100)
	up, down, err := l.State()
	if err != nil || up.Lost != before.Lost+1 || down.Passed != 3 {
		t.Errorf("up %+v, down %+v: %v", up, down, err)
	}
	if err := l.Apply("loss 2"); err == nil {
		t.Error("a share of 2 was taken")
	}
	if now := l.Now(); now.Up.Loss != 0 || now.Down.Delay != 0 {
		t.Errorf("what holds is %+v", now)
	}
}

func TestPlay(t *testing.T) {
	l := open(t, link.Options{})
	conn := dial(t, l, "udp4", echo(t, l).String())
	schedule, err := link.ParseSchedule(strings.NewReader("at 0s up delay 20ms\nat 30ms down delay 40ms"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := l.Play(t.Context(), schedule); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("the schedule was over after %v", took)
	}
	if took := ping(t, conn, 100); took < 60*time.Millisecond {
		t.Errorf("an answer took %v", took)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	schedule[1].At = time.Hour
	if err := l.Play(stopped, schedule); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

func TestAnotherAddress(t *testing.T) {
	l := open(t, link.Options{})
	server := echo(t, l).String()
	before, conn := l.FarAddress(), dial(t, l, "udp4", server)
	ping(t, conn, 100)
	if err := l.Apply("address"); err != nil {
		t.Fatal(err)
	}
	if l.FarAddress() == before {
		t.Fatal("the address is the same")
	}
	_ = conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
	_, sendErr := conn.Write([]byte("hello"))
	_, readErr := conn.Read(make([]byte, 10))
	if sendErr == nil && readErr == nil {
		t.Error("a socket of the old address still works")
	}
	again := dial(t, l, "udp4", server)
	ping(t, again, 100)
	if got := again.LocalAddr().(*net.UDPAddr).AddrPort().Addr(); got != l.FarAddress() {
		t.Errorf("a new socket is at %v, want %v", got, l.FarAddress())
	}
}

func TestProcessOnTheFarSide(t *testing.T) {
	l := open(t, link.Options{})
	var said strings.Builder
	command := exec.CommandContext(t.Context(), "cat", "/proc/net/fib_trie")
	command.Stdout = &said
	if err := l.Far.Do(command.Start); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), l.FarAddress().String()) || strings.Contains(said.String(), l.NearAddress().String()+"\n") {
		t.Errorf("it sees these addresses:\n%s", said.String())
	}
}

func TestOpenRefusesWhatCannotBe(t *testing.T) {
	if _, err := link.Open(link.Options{Up: link.Conditions{Loss: 2}}); err == nil || !strings.Contains(err.Error(), "loss is 2") {
		t.Errorf("error is %v", err)
	}
}

// Links leave no file open.
func TestCloseLetsGo(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := count()
	for range 5 {
		l, err := link.Open(link.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := l.State(); err == nil {
			t.Error("a closed link still answers")
		}
	}
	if after := count(); after != before {
		t.Errorf("%d files are open, %d were", after, before)
	}
}
