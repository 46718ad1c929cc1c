//go:build linux

package link

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// largestPacket is the MTU of both ends.
const largestPacket = 1500

// device is one end of a link: an interface of a namespace whose packets come to us.
type device struct {
	in   *Namespace
	name string
	fd   int
}

// openDevice makes an interface with an address. A name may hold %d for a number that is free.
func openDevice(in *Namespace, name string, address netip.Addr) (*device, error) {
	d := &device{in: in, fd: -1}
	err := in.Do(func() error {
		if err := d.open(name); err != nil {
			return err
		}
		if err := setAddress(d.name, address); err != nil {
			return err
		}
		return raise(d.name)
	})
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *device) open(name string) error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /dev/net/tun, for which root is needed: %w", err)
	}
	d.fd = fd
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return fmt.Errorf("make interface, for which root is needed: %w", err)
	}
	d.name = request.Name()
	return nil
}

// readdress gives the interface another address in place of the one it has.
func (d *device) readdress(address netip.Addr) error {
	return d.in.Do(func() error { return setAddress(d.name, address) })
}

// read returns a packet, or nothing if none is there.
func (d *device) read(buffer []byte) ([]byte, error) {
	n, err := unix.Read(d.fd, buffer)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	if err != nil {
		return nil, os.NewSyscallError("read interface", err)
	}
	return buffer[:n], nil
}

// write passes a packet on; what the kernel does not take is lost, as it would be on a wire.
func (d *device) write(content []byte) { _, _ = unix.Write(d.fd, content) }

func (d *device) close() error {
	if d.fd < 0 {
		return nil
	}
	return unix.Close(d.fd)
}

// setAddress gives an interface of this thread's namespace an address of a network of 256, in place of the one it has.
func setAddress(name string, address netip.Addr) error {
	return configure(name, func(fd int, request *unix.Ifreq) error {
		for _, set := range []struct {
			request uint
			to      netip.Addr
		}{{unix.SIOCSIFADDR, address}, {unix.SIOCSIFNETMASK, netip.AddrFrom4([4]byte{255, 255, 255, 0})}} {
			if err := request.SetInet4Addr(set.to.AsSlice()); err != nil {
				return err
			}
			if err := unix.IoctlIfreq(fd, set.request, request); err != nil {
				return fmt.Errorf("set address of %s: %w", name, err)
			}
		}
		return nil
	})
}

// raise lets an interface of this thread's namespace work.
func raise(name string) error {
	return configure(name, func(fd int, request *unix.Ifreq) error {
		request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
			return fmt.Errorf("raise %s: %w", name, err)
		}
		return nil
	})
}

func configure(name string, do func(fd int, request *unix.Ifreq) error) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() { _ = unix.Close(fd) }()
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	return do(fd, request)
}

// freeNetwork is a network of 256 addresses, of those that are set aside for measurements (RFC 2544), which neither namespace uses.
func freeNetwork(namespaces ...*Namespace) (netip.Prefix, error) {
	var used []netip.Prefix
	for _, n := range namespaces {
		err := n.Do(func() error {
			addresses, err := net.InterfaceAddrs()
			for _, a := range addresses {
				if prefix, err := netip.ParsePrefix(a.String()); err == nil {
					used = append(used, prefix)
				}
			}
			return err
		})
		if err != nil {
			return netip.Prefix{}, err
		}
	}
	// Processes that look at the same time must not find the same one.
	first := os.Getpid()
	for i := range 512 {
		n := (first + i) % 512
		free := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, byte(18 + n/256), byte(n % 256), 0}), 24)
		taken := false
		for _, u := range used {
			taken = taken || u.Overlaps(free)
		}
		if !taken {
			return free, nil
		}
	}
	return netip.Prefix{}, errors.New("no network of 198.18.0.0/15 is free")
}
