package journald

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"xnumon/internal/sink/transport"
	"xnumon/internal/spool"
)

// datagramMost is what is sent as a datagram without trying whether more would
// fit: longer ones cost the kernel memory in one piece.
const datagramMost = 128 << 10

// Journal sends records to the journal of this machine.
type Journal struct {
	datagram *transport.Datagram
	entry    entry
}

var _ transport.Transport = (*Journal)(nil)

// New returns a Journal for the socket at path.
func New(path string) (*Journal, error) {
	return &Journal{datagram: transport.NewDatagram(path)}, nil
}

// Send implements transport.Transport.
func (j *Journal) Send(ctx context.Context, recs []spool.Record) (int, error) {
	if err := j.datagram.Connect(); err != nil {
		return 0, err
	}
	defer j.datagram.Guard(ctx)()
	for i := range recs {
		if err := j.send(recs[i].Seq, j.entry.record(&recs[i])); err != nil {
			return i, transport.Cause(ctx, err)
		}
	}
	return len(recs), nil
}

// send sends an entry as a datagram, or if it is too long for that in a file
// that exists in memory only, whose descriptor is sent.
func (j *Journal) send(number uint64, b []byte) error {
	if len(b) <= datagramMost {
		err := j.datagram.Send(number, b, nil)
		if err == nil || transport.Lost(err) {
			return err
		}
	}
	fd, err := memfd(b)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return j.datagram.Send(number, nil, unix.UnixRights(fd))
}

// memfd makes a file of b that nobody can change any more: the journal reads
// only such.
func memfd(b []byte) (fd int, err error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err = unix.MemfdCreate("xnumon-journal", flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate("xnumon-journal", flags)
	}
	if err != nil {
		return -1, fmt.Errorf("create memfd: %w", err)
	}
	for n := 0; err == nil && len(b) > 0; b = b[n:] {
		if n, err = unix.Write(fd, b); errors.Is(err, unix.EINTR) {
			n, err = max(n, 0), nil
		}
	}
	if err == nil {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("write memfd: %w", err)
	}
	return fd, nil
}

// Confirmed implements transport.Transport.
func (j *Journal) Confirmed() uint64 { return j.datagram.Confirmed() }

// Check implements transport.Transport.
func (j *Journal) Check(ctx context.Context) error { return j.datagram.Check(ctx) }

// Finish implements transport.Transport.
func (j *Journal) Finish(ctx context.Context) error { return j.datagram.Finish(ctx) }

// Close implements transport.Transport.
func (j *Journal) Close() error { return j.datagram.Close() }
