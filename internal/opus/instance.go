package opus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

const (
	// SampleRate is that of all sound here (Hz).
	SampleRate = 48_000
	// MaxFrame is how many samples per channel a packet can hold: 120 ms.
	MaxFrame = 5760
	// MaxPacket is how long a packet of one frame can be (bytes).
	MaxPacket = 1275
	// maxInput bounds what is decoded: as many frames as a packet of the network can hold.
	maxInput = 1500
)

// ErrBroken is returned when libopus failed within: nothing of its instance can be used any more.
var ErrBroken = errors.New("opus: instance is broken")

// CodeError is a refusal of libopus, with its number (opus_defines.h).
type CodeError int32

func (e CodeError) Error() string {
	switch e {
	case -1:
		return "opus: bad argument"
	case -2:
		return "opus: buffer too small"
	case -4:
		return "opus: corrupted packet"
	default:
		return fmt.Sprintf("opus: error %d", int32(e))
	}
}

// Instance is a memory in which encoders and decoders live: about 0.5 MB, 30 kB for each encoder and 20 kB for each decoder. It is used by
// one goroutine at a time.
type Instance struct {
	module api.Module
	memory api.Memory
	stack  [8]uint64 // arguments and result of a call
	broken bool

	allocate, release                      api.Function
	encoderSize, encoderInit, encoderSet   api.Function
	encoderReset, encode                   api.Function
	decoderSize, decoderInit, decoderReset api.Function
	decode                                 api.Function
	packet, pcm                            uint32 // where both are handed over
}

// NewInstance makes an instance with nothing in it.
func (l *Library) NewInstance() (*Instance, error) {
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize")
	module, err := l.runtime.InstantiateModule(context.Background(), l.compiled, config)
	if err != nil {
		return nil, fmt.Errorf("instantiate libopus: %w", err)
	}
	i := &Instance{module: module, memory: module.Memory()}
	for name, f := range map[string]*api.Function{
		"allocate": &i.allocate, "release": &i.release,
		"encoder_size": &i.encoderSize, "encoder_init": &i.encoderInit, "encoder_set": &i.encoderSet,
		"encoder_reset": &i.encoderReset, "encode": &i.encode,
		"decoder_size": &i.decoderSize, "decoder_init": &i.decoderInit, "decoder_reset": &i.decoderReset, "decode": &i.decode,
	} {
		if *f = module.ExportedFunction(name); *f == nil {
			_ = i.Close()
			return nil, fmt.Errorf("libopus has no %s", name)
		}
	}
	if i.packet, err = i.alloc(maxInput); err == nil {
		i.pcm, err = i.alloc(4 * 2 * MaxFrame)
	}
	if err != nil {
		_ = i.Close()
		return nil, err
	}
	return i, nil
}

// Close frees the memory, and all that lives in it.
func (i *Instance) Close() error { return i.module.Close(context.Background()) }

// call runs a function of libopus. What it returns counts as signed, and is an error below 0.
func (i *Instance) call(f api.Function, arguments ...uint32) (int, error) {
	if i.broken {
		return 0, ErrBroken
	}
	for n, a := range arguments {
		i.stack[n] = uint64(a)
	}
	if err := f.CallWithStack(context.Background(), i.stack[:]); err != nil {
		i.broken = true
		return 0, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if result := int32(uint32(i.stack[0])); result < 0 {
		return 0, CodeError(result)
	}
	return int(uint32(i.stack[0])), nil
}

func (i *Instance) alloc(size uint32) (uint32, error) {
	at, err := i.call(i.allocate, size)
	if err == nil && at == 0 {
		err = errors.New("opus: instance is full")
	}
	return uint32(at), err
}

// create allocates a state of libopus and initializes it.
func (i *Instance) create(size, initialize api.Function, channels int, more ...uint32) (uint32, error) {
	if channels != 1 && channels != 2 {
		return 0, fmt.Errorf("opus: %d channels", channels)
	}
	n, err := i.call(size, uint32(channels))
	if err != nil {
		return 0, err
	}
	at, err := i.alloc(uint32(n))
	if err != nil {
		return 0, err
	}
	if _, err := i.call(initialize, append([]uint32{at, uint32(channels)}, more...)...); err != nil {
		i.free(at)
		return 0, err
	}
	return at, nil
}

func (i *Instance) free(at uint32) {
	if !i.broken {
		i.stack[0] = uint64(at)
		i.broken = i.release.CallWithStack(context.Background(), i.stack[:]) != nil
	}
}

func (i *Instance) putPCM(pcm []float32) {
	to, _ := i.memory.Read(i.pcm, uint32(4*len(pcm)))
	for n, v := range pcm {
		binary.LittleEndian.PutUint32(to[4*n:4*n+4], math.Float32bits(v))
	}
}

func (i *Instance) takePCM(pcm []float32) {
	from, _ := i.memory.Read(i.pcm, uint32(4*len(pcm)))
	for n := range pcm {
		pcm[n] = math.Float32frombits(binary.LittleEndian.Uint32(from[4*n : 4*n+4]))
	}
}
