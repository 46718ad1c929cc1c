package packet

import (
	"encoding/hex"
	"testing"

	"github.com/pion/rtcp"
)

// decoded is what the library makes of a feedback.
func decoded(t *testing.T, b []byte) (out []Arrival, ok bool) {
	t.Helper()
	var p rtcp.TransportLayerCC
	if p.Unmarshal(b) != nil {
		return nil, false
	}
	var symbols []uint16
	for _, c := range p.PacketChunks {
		switch c := c.(type) {
		case *rtcp.RunLengthChunk:
			for range c.RunLength {
				symbols = append(symbols, c.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			symbols = append(symbols, c.SymbolList...)
		}
	}
	at, deltas := int64(0), p.RecvDeltas
	for i := range int(p.PacketStatusCount) {
		a := Arrival{Number: p.BaseSequenceNumber + uint16(i)}
		if s := symbols[i]; s == rtcp.TypeTCCPacketReceivedSmallDelta || s == rtcp.TypeTCCPacketReceivedLargeDelta {
			at += deltas[0].Delta
			deltas = deltas[1:]
			a.Received, a.At = true, at
		}
		out = append(out, a)
	}
	return out, true
}

func read(t *testing.T, b []byte) []Arrival {
	t.Helper()
	f, ok := ParseTransportFeedback(b)
	if !ok {
		t.Fatalf("%x is refused", b)
	}
	var out []Arrival
	for n := f.Len(); ; n-- {
		a, ok := f.Next()
		if !ok {
			if n != 0 {
				t.Fatalf("%d packets are not told of", n)
			}
			return out
		}
		out = append(out, a)
	}
}

// feedbacks are of the shapes that browsers send: runs, one bit vectors, two bit vectors with late and overtaken packets.
var feedbacks = []string{
	"8fcd0006" + "00000001" + "00000002" + "0064" + "0003" + "000123" + "05" + "2003" + "010203" + "000000",
	"8fcd0006" + "00000001" + "00000002" + "fffe" + "0007" + "ffffff" + "ff" + "d910" + "01" + "ffff" + "02" + "0000",
	"8fcd0006" + "00000001" + "00000002" + "0000" + "000e" + "000001" + "00" + "a800" + "0a0b" + "00000000",
	"8fcd0005" + "00000001" + "00000002" + "0000" + "0009" + "000001" + "00" + "0009" + "0000",
	"afcd0006" + "00000001" + "00000002" + "0064" + "0002" + "000123" + "05" + "2002" + "0102" + "00000004",
}

func TestTransportFeedback(t *testing.T) {
	for _, text := range feedbacks {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		want, ok := decoded(t, b)
		got := read(t, b)
		if !ok || len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", text, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", text, got[i], want[i])
			}
		}
	}
	b, _ := hex.DecodeString(feedbacks[0])
	f, _ := ParseTransportFeedback(b)
	if f.Reference != 0x123 || f.Count != 5 || f.Base != 100 {
		t.Errorf("head %+v", f)
	}
	for n := range len(b) - 3 { // the three last are padding to a word
		if _, ok := ParseTransportFeedback(b[:n]); ok {
			t.Errorf("%d bytes are taken for a feedback", n)
		}
	}
}

// FuzzTransportFeedback: what is read is what the library reads, and nothing makes the reader panic.
func FuzzTransportFeedback(f *testing.F) {
	for _, text := range feedbacks {
		b, _ := hex.DecodeString(text)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := ParseTransportFeedback(b)
		if !ok {
			return
		}
		n := 0
		for _, more := p.Next(); more; _, more = p.Next() {
			n++
		}
		if n > 1<<16 {
			t.Fatalf("%d packets", n)
		}
	})
}

func BenchmarkTransportFeedback(b *testing.B) {
	var p rtcp.TransportLayerCC
	p.Header = rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback}
	p.PacketStatusCount = 140
	for range 10 {
		c := &rtcp.StatusVectorChunk{Type: rtcp.TypeTCCStatusVectorChunk, SymbolSize: rtcp.TypeTCCSymbolSizeOneBit}
		for range 14 {
			c.SymbolList = append(c.SymbolList, rtcp.TypeTCCPacketReceivedSmallDelta)
			p.RecvDeltas = append(p.RecvDeltas, &rtcp.RecvDelta{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 250 * 3})
		}
		p.PacketChunks = append(p.PacketChunks, c)
	}
	p.Header.Length = uint16(p.MarshalSize()/4 - 1)
	raw, err := p.Marshal()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		f, ok := ParseTransportFeedback(raw)
		if !ok {
			b.Fatal("refused")
		}
		for _, more := f.Next(); more; _, more = f.Next() {
		}
	}
}
