package loadtest

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Limits of a plan.
const (
	maxRooms    = 1000
	maxLayers   = 3
	maxBitRate  = 50_000_000
	maxDuration = 50 * time.Minute // tokens are good for an hour, and are not renewed
	maxChurn    = 6000
	maxDelay    = 2 * time.Second
)

// Plan says what to load a server with.
type Plan struct {
	URL    string `json:"url"` // such as http://127.0.0.1:8080
	APIKey string `json:"-"`

	Rooms       int `json:"rooms"`
	Publishers  int `json:"publishers_per_room"`
	Subscribers int `json:"subscribers_per_room"`

	AudioBitRate int           `json:"audio_bit_rate"` // bits a second; 0: no sound
	VideoBitRate int           `json:"video_bit_rate"` // of the best layer; 0: no pictures
	Layers       int           `json:"simulcast_layers"`
	Quality      video.Quality `json:"quality"` // what subscribers ask for

	Churn float64       `json:"churn_per_minute"` // participants who leave and come back
	Loss  float64       `json:"loss"`             // of datagrams each way, 0 to 1
	Delay time.Duration `json:"delay_ns"`         // each way
	NACK  bool          `json:"nack"`             // subscribers ask for lost packets again

	RampUp   time.Duration `json:"ramp_up_ns"`
	Duration time.Duration `json:"duration_ns"` // of measuring, after everyone is in

	ServerPID int `json:"server_pid"` // 0: not on this machine
}

// Check says what is wrong with a plan.
func (p *Plan) Check() error {
	address, err := url.Parse(p.URL)
	perRoom := p.Publishers + p.Subscribers
	switch {
	case err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https":
		return fmt.Errorf("the server's URL must be like http://127.0.0.1:8080, not %q", p.URL)
	case p.APIKey == "":
		return errors.New("an API key is needed")
	case p.Rooms < 1 || p.Rooms > maxRooms:
		return fmt.Errorf("rooms must be 1 to %d", maxRooms)
	case p.Publishers < 1 || p.Subscribers < 1:
		return errors.New("a room needs a publisher and a subscriber at least")
	case perRoom > video.MaxRoomParticipants:
		return fmt.Errorf("publishers and subscribers are %d, and a room holds %d", perRoom, video.MaxRoomParticipants)
	case p.AudioBitRate == 0 && p.VideoBitRate == 0:
		return errors.New("there is neither sound nor video to send")
	case p.AudioBitRate != 0 && (p.AudioBitRate < minAudioBitRate || p.AudioBitRate > 512_000):
		return fmt.Errorf("the bit rate of sound must be %d to 512000 bit/s, or 0", minAudioBitRate)
	case p.VideoBitRate != 0 && (p.VideoBitRate < 50_000 || p.VideoBitRate > maxBitRate):
		return fmt.Errorf("the bit rate of video must be 50000 to %d bit/s, or 0", maxBitRate)
	case p.Layers < 1 || p.Layers > maxLayers:
		return fmt.Errorf("simulcast layers must be 1 to %d", maxLayers)
	case p.Churn < 0 || p.Churn > maxChurn:
		return fmt.Errorf("churn must be 0 to %d participants a minute", maxChurn)
	case p.Loss < 0 || p.Loss > 0.5:
		return errors.New("loss must be 0 to 50 percent")
	case p.Delay < 0 || p.Delay > maxDelay:
		return fmt.Errorf("delay must be 0 to %v", maxDelay)
	case p.RampUp < 0 || p.Duration < time.Second || p.RampUp+p.Duration > maxDuration:
		return fmt.Errorf("the duration must be 1s at least, and %v at most together with the ramp-up", maxDuration)
	}
	return nil
}

// participants is how many there are in all.
func (p *Plan) participants() int { return p.Rooms * (p.Publishers + p.Subscribers) }

// tracks is how many streams of packets a subscriber gets of each publisher.
func (p *Plan) tracks() int {
	n := 0
	if p.AudioBitRate > 0 {
		n++
	}
	if p.VideoBitRate > 0 {
		n++
	}
	return n
}
