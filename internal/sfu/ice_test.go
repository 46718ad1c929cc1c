package sfu

import (
	"cmp"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// bindingRequest is a connectivity check as a client sends it.
func bindingRequest(tb testing.TB, c credentials, priority uint32, nominate bool) *stun.Message {
	tb.Helper()
	return bindingRequestOf(tb, "theirs", c, priority, nominate)
}

// bindingRequestOf is one of a client with this ufrag.
func bindingRequestOf(tb testing.TB, client string, c credentials, priority uint32, nominate bool) *stun.Message {
	tb.Helper()
	parts := []stun.Setter{
		stun.TransactionID, stun.BindingRequest, stun.NewUsername(c.ufrag + ":" + client),
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{byte(priority >> 24), byte(priority >> 16), byte(priority >> 8), byte(priority)}},
	}
	if nominate {
		parts = append(parts, stun.RawAttribute{Type: stun.AttrUseCandidate})
	}
	m, err := stun.Build(append(parts, stun.NewShortTermIntegrity(c.password), stun.Fingerprint)...)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// checker sends checks to a transport from invented addresses.
type checker struct {
	t      *testing.T
	tr     *Transport
	client string // its ufrag, if not the one offered last
}

// check lets a check arrive at a socket, and reports whether it was taken to be the client's.
func (c checker) check(socketIndex int, from string, creds credentials, priority uint32, nominate bool, now int64) bool {
	c.t.Helper()
	e := c.tr.engine
	before := c.tr.lastHeard.Swap(0)
	s := e.sockets[socketIndex%len(e.sockets)]
	client := cmp.Or(c.client, c.tr.ice.remote, "theirs")
	feed(s, bindingRequestOf(c.t, client, creds, priority, nominate).Raw, netip.MustParseAddrPort(from), now)
	if c.tr.lastHeard.Load() == 0 {
		c.tr.lastHeard.Store(before)
		return false
	}
	return true
}

func (c checker) wantPath(socketIndex int, remote string) {
	c.t.Helper()
	e := c.tr.engine
	p := c.tr.ice.chosen.Load()
	if p == nil || p.remote.String() != remote || p.socket != e.sockets[socketIndex%len(e.sockets)] {
		c.t.Fatalf("the chosen path is %+v, want %s", p, remote)
	}
}

// quietEngine has its sockets closed for reading, so that a test may call what their readers call.
func quietEngine(t *testing.T) *Engine {
	t.Helper()
	e := newEngine(t)
	e.stop()
	e.closeSockets()
	e.running.Wait()
	return e
}

func TestPathIsChosen(t *testing.T) {
	e := quietEngine(t)
	tr, _ := newTransportOf(t, e)
	c, own := checker{t: t, tr: tr}, tr.ice.local
	const a, b = "127.0.0.1:1001", "127.0.0.1:1002"
	now := e.Now()
	if !c.check(0, a, own, 100, false, now) {
		t.Fatal("a good check is ignored")
	}
	c.wantPath(0, a) // better than none
	c.check(1, b, own, 200, false, now)
	c.wantPath(0, a) // not nominated
	c.check(1, b, own, 200, true, now)
	c.wantPath(1, b)
	c.check(0, a, own, 100, true, now+int64(pathSilence))
	c.wantPath(1, b) // lower, and the better one is alive
	c.check(0, a, own, 100, true, now+int64(pathSilence)+1)
	c.wantPath(0, a) // the better one fell silent
	if e.transportAt(netip.MustParseAddrPort(a)) != tr || e.transportAt(netip.MustParseAddrPort(b)) != tr {
		t.Fatal("packets from a checked address are not the client's")
	}
	for i := range 3 * maxPaths {
		c.check(0, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), uint16(2000+i)).String(), own, 1, false, now+int64(pathSilence)+int64(i)+2)
	}
	if n := len(tr.ice.paths); n != maxPaths {
		t.Fatalf("%d paths", n)
	}
	c.wantPath(0, a)
	if n := len(e.byRemote); n != maxPaths || e.transportAt(netip.MustParseAddrPort(a)) != tr {
		t.Fatalf("%d addresses are known, the chosen one among them: %t", n, e.transportAt(netip.MustParseAddrPort(a)) == tr)
	}
}

// A check arrives on a path that has no way back for the answer: the client nominates another, which need not look better.
func TestNominatedPathIsTaken(t *testing.T) {
	tr, _ := newTransportOf(t, quietEngine(t))
	c, own, now := checker{t: t, tr: tr}, tr.ice.local, tr.engine.Now()
	const a, b = "127.0.0.1:1001", "127.0.0.1:1002"
	c.check(0, a, own, 100, false, now)
	c.wantPath(0, a)
	c.check(0, b, own, 100, true, now)
	c.wantPath(0, b)
	c.check(0, a, own, 100, false, now)
	c.check(0, a, own, 100, true, now)
	c.wantPath(0, b) // both are nominated now, and one is as good as the other
}

func TestForeignChecksAreIgnored(t *testing.T) {
	e := quietEngine(t)
	tr, _ := newTransportOf(t, e)
	c, own := checker{t: t, tr: tr}, tr.ice.local
	const a = "127.0.0.1:1001"
	for name, creds := range map[string]credentials{
		"wrong password": {own.ufrag, "abcdefghijklmnopqrstuvwx"}, "no password": {own.ufrag, ""}, "unknown ufrag": {"nobody", own.password}, "no ufrag": {"", own.password},
	} {
		if c.check(0, a, creds, 1, true, e.Now()) || tr.ice.chosen.Load() != nil || e.transportAt(netip.MustParseAddrPort(a)) != nil {
			t.Errorf("a check with %s is taken", name)
		}
	}
	for name, build := range map[string][]stun.Setter{
		"no user name":       {stun.TransactionID, stun.BindingRequest, stun.NewShortTermIntegrity(own.password)},
		"no colon":           {stun.TransactionID, stun.BindingRequest, stun.NewUsername(own.ufrag), stun.NewShortTermIntegrity(own.password)},
		"no integrity":       {stun.TransactionID, stun.BindingRequest, stun.NewUsername(own.ufrag + ":x"), stun.Fingerprint},
		"an answer":          {stun.TransactionID, stun.BindingSuccess, stun.NewUsername(own.ufrag + ":x"), stun.NewShortTermIntegrity(own.password)},
		"an indication":      {stun.TransactionID, stun.NewType(stun.MethodBinding, stun.ClassIndication), stun.NewUsername(own.ufrag + ":x"), stun.NewShortTermIntegrity(own.password)},
		"a wish to allocate": {stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest), stun.NewUsername(own.ufrag + ":x"), stun.NewShortTermIntegrity(own.password)},
	} {
		m, err := stun.Build(build...)
		if err != nil {
			t.Fatal(err)
		}
		feed(e.sockets[0], m.Raw, netip.MustParseAddrPort(a), e.Now())
		if tr.ice.chosen.Load() != nil {
			t.Errorf("%s is taken for a check", name)
		}
	}
}

// A client whose address changed uses its new way at once: its offer takes longer, having lost its socket too.
func TestRestartIsFollowedBeforeItsOffer(t *testing.T) {
	e := quietEngine(t)
	tr, _ := newTransportOf(t, e)
	const a, b, other = "127.0.0.1:1001", "127.0.0.1:1002", "127.0.0.1:1003"
	offer := func(ufrag string) credentials {
		t.Helper()
		if _, err := tr.Negotiate(t.Context(), strings.ReplaceAll(offerText("0"), "a=ice-ufrag:abcd", "a=ice-ufrag:"+ufrag)); err != nil {
			t.Fatal(err)
		}
		return tr.ice.local
	}
	own, now := offer("first"), e.Now()
	before, after := checker{t, tr, "first"}, checker{t, tr, "second"}
	before.check(0, a, own, 500, true, now)
	after.check(0, b, own, 400, false, now)
	after.wantPath(0, a) // the client has not chosen yet
	after.check(0, b, own, 400, true, now)
	after.wantPath(0, b)
	before.check(0, a, own, 500, false, now)
	before.check(0, other, own, 450, false, now)
	after.wantPath(0, b)
	fresh := offer("second")
	after.check(0, other, fresh, 450, false, now)
	after.wantPath(0, b) // it was chosen already
	if before.check(0, a, own, 500, true, now) {
		t.Fatal("the old credentials still work")
	}
	after.check(0, other, fresh, 450, true, now)
	after.wantPath(0, other) // better, and of the same restart
}

// TestCheckIsAnswered over the real socket, as a client sees it.
func TestCheckIsAnswered(t *testing.T) {
	e := newEngine(t)
	tr, _ := newTransportOf(t, e)
	conn, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: e.Port()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := bindingRequest(t, tr.ice.local, 7, true)
	if _, err := conn.Write(request.Raw); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1500)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	m := &stun.Message{Raw: b[:n]}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	var mapped stun.XORMappedAddress
	if err := mapped.GetFrom(m); err != nil || mapped.Port != conn.LocalAddr().(*net.UDPAddr).Port || m.Type != stun.BindingSuccess || m.TransactionID != request.TransactionID {
		t.Fatalf("%v %v, %v", m, mapped, err)
	}
	if err := stun.NewShortTermIntegrity(tr.ice.local.password).Check(m); err != nil {
		t.Fatal(err)
	}
	if err := stun.Fingerprint.Check(m); err != nil {
		t.Fatal(err)
	}
}

func TestRestartReplacesCredentials(t *testing.T) {
	e := quietEngine(t)
	tr, _ := newTransportOf(t, e)
	c := checker{t: t, tr: tr}
	const a, b = "127.0.0.1:1001", "127.0.0.1:1002"
	offer := func(ufrag string) credentials {
		t.Helper()
		if _, err := tr.Negotiate(t.Context(), strings.ReplaceAll(offerText("0"), "a=ice-ufrag:abcd", "a=ice-ufrag:"+ufrag)); err != nil {
			t.Fatal(err)
		}
		return tr.ice.local
	}
	old := tr.ice.local
	if offer("first") != old {
		t.Fatal("the first offer restarts ICE")
	}
	c.check(0, a, old, 500, true, e.Now())
	if offer("first") != old {
		t.Fatal("the same ufrag restarts ICE")
	}
	fresh := offer("second")
	if fresh.ufrag == old.ufrag || fresh.password == old.password {
		t.Fatalf("%+v after %+v", fresh, old)
	}
	if !(checker{t, tr, "first"}).check(0, a, old, 500, true, e.Now()) {
		t.Fatal("the old credentials stopped working before the new were used")
	}
	if c.check(1, b, credentials{fresh.ufrag, old.password}, 1, true, e.Now()) {
		t.Fatal("old and new credentials can be mixed")
	}
	if !c.check(1, b, fresh, 1, false, e.Now()) {
		t.Fatal("the new credentials do not work")
	}
	c.wantPath(1, b) // whatever the priorities were
	if c.check(0, a, old, 999, true, e.Now()) {
		t.Fatal("the old credentials still work")
	}
	c.wantPath(1, b)
	c.check(0, a, fresh, 1, true, e.Now())
	c.wantPath(0, a)
	third := offer("third")
	c.check(0, a, third, 1, false, e.Now())
	c.check(1, b, third, 1, true, e.Now())
	c.wantPath(1, b)   // what was nominated before the restart counts no more
	for i := range 5 { // what was replaced before is forgotten, the connection is not
		last := offer(string(rune('t' + i)))
		if !c.check(0, a, last, 1, true, e.Now()) {
			t.Fatal("the newest credentials do not work")
		}
	}
	if n, known := len(e.byUfrag), e.transports(nil); n > 2 || len(known) != 1 || known[0] != tr {
		t.Fatalf("%d names for a connection, of which the ticker knows %d", n, len(known))
	}
}

// TestMediaGoesOnAfterRestart restarts ICE of a real client that is sending.
func TestMediaGoesOnAfterRestart(t *testing.T) {
	e := newEngine(t)
	publisher, track := publishVideo(t, e, "session", "camera")
	within(t, publisher.connected, "the publisher's connection")
	publisher.stream(track, 20)
	viewer := newPeer(t, e, "session")
	remote := viewer.watch("camera")
	old := publisher.transport.ice.local
	for _, p := range []*peer{publisher, viewer} {
		p.negotiateWith(&webrtc.OfferOptions{ICERestart: true})
		eventually(t, "the first check with the new credentials", func() bool {
			p.transport.ice.mu.Lock()
			defer p.transport.ice.mu.Unlock()
			return p.transport.ice.former == credentials{}
		})
	}
	if publisher.transport.ice.local == old {
		t.Fatal("the credentials are the same")
	}
	var last uint16
	for i := range 200 {
		p, _, err := remote.ReadRTP()
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && p.SequenceNumber != last+1 {
			t.Logf("number %d after %d: a packet was under way to the old path", p.SequenceNumber, last)
		}
		last = p.SequenceNumber
	}
	select {
	case err := <-publisher.failed:
		t.Fatal(err)
	case err := <-viewer.failed:
		t.Fatal(err)
	default:
	}
}
