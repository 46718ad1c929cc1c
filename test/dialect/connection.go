package main

import (
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/logging"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// newAPI makes connections that do what browsers do of RTCP: they ask again for what got lost, report, and tell of every packet that came.
func newAPI() (*webrtc.API, error) {
	media, chain := new(webrtc.MediaEngine), new(interceptor.Registry)
	quiet := &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled} // feedback that a closing connection does not take is an error there
	for _, extension := range []struct {
		kind webrtc.RTPCodecType
		uri  string
	}{{webrtc.RTPCodecTypeAudio, sdp.AudioLevelURI}, {webrtc.RTPCodecTypeAudio, sdp.SDESMidURI}, {webrtc.RTPCodecTypeVideo, sdp.SDESMidURI}} {
		if err := media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: extension.uri}, extension.kind); err != nil {
			return nil, err
		}
	}
	for _, codec := range []struct {
		kind  webrtc.RTPCodecType
		codec webrtc.RTPCodecParameters
	}{
		{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
		}}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: []webrtc.RTCPFeedback{{Type: "ccm", Parameter: "fir"}},
		}}},
		{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecParameters{PayloadType: 97, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96",
		}}},
	} {
		if err := media.RegisterCodec(codec.codec, codec.kind); err != nil {
			return nil, err
		}
	}
	for _, add := range []func() error{
		func() error { return webrtc.ConfigureNack(media, chain) },
		func() error { return webrtc.ConfigureRTCPReports(chain) },
		func() error { return webrtc.ConfigureTWCCHeaderExtensionSender(media, chain) },
		func() error {
			return webrtc.ConfigureTWCCSenderWithOptions(media, chain, twcc.WithLoggerFactory(quiet))
		},
	} {
		if err := add(); err != nil {
			return nil, err
		}
	}
	settings := webrtc.SettingEngine{LoggerFactory: quiet}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	if err := settings.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(chain), webrtc.WithSettingEngine(settings)), nil
}

// peer is a connection that counts what it receives.
func (s *stage) peer() (*webrtc.PeerConnection, error) {
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) { // both end with the connection
		go drain(receiver)
		go func() {
			for packet := make([]byte, 1500); ; {
				if _, _, err := track.Read(packet); err != nil {
					return
				}
				if track.Kind() == webrtc.RTPCodecTypeVideo {
					s.arrived.Add(1)
				}
			}
		}()
	})
	return pc, nil
}

// drain reads RTCP, which Pion handles when it is read.
func drain(from interface {
	Read([]byte) (int, interceptor.Attributes, error)
},
) {
	for packet := make([]byte, 1500); ; {
		if _, _, err := from.Read(packet); err != nil {
			return
		}
	}
}

// line is where a track is sent.
type line struct {
	track  *webrtc.TrackLocalStaticRTP
	sender *webrtc.RTPSender
}

func addLine(pc *webrtc.PeerConnection, mime string, direction webrtc.RTPTransceiverDirection) (line, *webrtc.RTPTransceiver, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, mime, "self")
	if err != nil {
		return line{}, nil, err
	}
	transceiver, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: direction})
	if err != nil {
		return line{}, nil, err
	}
	return line{track, transceiver.Sender()}, transceiver, nil
}

// extension is the number under which a header extension was agreed upon.
func (l line) extension(uri string) uint8 {
	for _, e := range l.sender.GetParameters().HeaderExtensions {
		if e.URI == uri {
			return uint8(e.ID)
		}
	}
	return 0
}

// offerOf has all that is said: the server is told of no candidates, but finds them by the checks it gets.
func offerOf(pc *webrtc.PeerConnection) (string, error) {
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	return offer.SDP, pc.SetLocalDescription(offer)
}
