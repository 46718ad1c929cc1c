package packet_test

import (
	"slices"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/packet/packettest"
)

func TestParseDependency(t *testing.T) {
	layered := packettest.L2T2Key()
	var s packet.DependencyStructure
	parse := func(d packettest.Descriptor) packet.Dependency {
		t.Helper()
		d.Of = layered
		got, ok := s.Parse(d.Bytes())
		if !ok {
			t.Fatalf("%+v is refused", d)
		}
		return got
	}
	if _, ok := s.Parse(packettest.Descriptor{Of: layered, Frame: 1}.Bytes()); ok {
		t.Fatal("a template of no structure was understood")
	}
	key := parse(packettest.Descriptor{Start: true, Frame: 100, Structure: true, Template: packettest.KeySmall})
	if !key.Start || key.End || key.Frame != 100 || !key.Structure || len(key.Needs()) != 0 || !key.HasActive || key.Active != 15 {
		t.Fatalf("%+v", key)
	}
	if s.Targets != 4 || s.Spatial != 2 || s.Width[0] != 320 || s.Height[0] != 180 || s.Width[1] != 640 || s.Height[1] != 360 {
		t.Fatalf("%d targets, %d sizes, %v, %v", s.Targets, s.Spatial, s.Width, s.Height)
	}
	for _, c := range []struct{ spatial, temporal, target int8 }{
		{0, 0, 0}, {0, 1, 1}, {1, 0, 2}, {1, 1, 3}, {3, 7, 3}, {0, 7, 1}, {3, 0, 2}, {9, 9, 3}, {-1, 0, -1},
	} {
		if got := s.Target(c.spatial, c.temporal); got != c.target {
			t.Errorf("up to %d, %d is target %d, want %d", c.spatial, c.temporal, got, c.target)
		}
	}
	if spatial, temporal := s.Layers(3); spatial != 1 || temporal != 1 {
		t.Errorf("target 3 is %d, %d", spatial, temporal)
	}
	upper := parse(packettest.Descriptor{End: true, Frame: 105, Template: packettest.UpperLarge})
	if upper.Spatial != 1 || upper.Temporal != 1 || !upper.End || !slices.Equal(upper.Needs(), []uint16{2}) {
		t.Errorf("%+v", upper)
	}
	if upper.For(3) != packet.Discardable || upper.For(2) != packet.NotPresent || upper.For(-1) != packet.NotPresent {
		t.Error("the upper frame is something else to its targets")
	}
	base := parse(packettest.Descriptor{Frame: 106, Template: packettest.BaseSmall})
	if !s.NeededAbove(&key) || s.NeededAbove(&base) {
		t.Error("the larger size needs the smaller at keyframes, and only there")
	}
	active := uint32(3)
	custom := parse(packettest.Descriptor{Frame: 107, Active: &active, Targets: "RD-S", Diffs: []int{3, 4000}})
	if custom.Active != 3 || custom.For(0) != packet.Required || custom.For(3) != packet.SwitchPoint || !slices.Equal(custom.Needs(), []uint16{3, 4000}) {
		t.Errorf("%+v", custom)
	}
	before := s
	broken := packettest.Descriptor{Start: true, Structure: true, Of: layered}.Bytes()
	for n := range len(broken) - 1 {
		if n == 3 {
			continue // the mandatory fields alone, of a template that is known
		}
		if got, ok := s.Parse(broken[:n]); ok || s != before {
			t.Fatalf("%d of %d bytes gave %+v", n, len(broken), got)
		}
	}
}

func FuzzDependency(f *testing.F) {
	layered := packettest.L2T2Key()
	f.Add(packettest.Descriptor{Start: true, Structure: true, Of: layered}.Bytes(), packettest.Descriptor{Of: layered, Template: 4}.Bytes())
	f.Add(packettest.Descriptor{Structure: true, Of: layered}.Bytes(), packettest.Descriptor{Of: layered, Targets: "S--D", Diffs: []int{1, 2, 3}}.Bytes())
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var s packet.DependencyStructure
		for _, b := range [][]byte{first, second} {
			d, ok := s.Parse(b)
			if !ok {
				continue
			}
			s.NeededAbove(&d)
			for spatial := range int8(packet.MaxSpatialLayers) {
				if target := s.Target(spatial, packet.MaxTemporalLayers-1); target >= 0 {
					d.For(target)
					if got, _ := s.Layers(target); got > spatial {
						t.Fatalf("the best target up to size %d goes up to %d", spatial, got)
					}
				}
			}
			if int(d.Spatial) >= packet.MaxSpatialLayers || int(d.Temporal) >= packet.MaxTemporalLayers || s.Spatial > packet.MaxSpatialLayers {
				t.Fatalf("%+v", d)
			}
		}
	})
}

func FuzzVP9(f *testing.F) {
	f.Add([]byte{0xaa, 0x80, 1, 0x10, 5, 0x38, 1, 64, 0, 180, 2, 128, 1, 104, 2, 0, 0x54, 2, 0x82, 0x49, 0x83, 0x42, 0x20, 0x13, 0xf0, 0x0b, 0x30})
	f.Fuzz(func(t *testing.T, p []byte) {
		v, ok := packet.ParseVP9(p)
		if !ok {
			return
		}
		if v.Layers > len(v.Sizes) {
			t.Fatalf("%+v", v)
		}
		v.Renumber(p, 0x7123, 9)
		again, ok := packet.ParseVP9(p)
		if !ok || again.SpatialID != v.SpatialID || again.HasPictureID && again.PictureID != 0x7123 && again.PictureID != 0x23 {
			t.Fatalf("%+v became %+v", v, again)
		}
	})
}
