package image

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

// headSize is how much of a file the kernel looks at to tell what to do with it
// (BINPRM_BUF_SIZE, include/uapi/linux/binfmts.h).
const headSize = 256

// keptHead is as much of the first bytes of a file as says what it is: the whole line
// of a script, and else the first few.
func keptHead(head []byte) string {
	head = head[:min(len(head), headSize)]
	if !bytes.HasPrefix(head, []byte("#!")) {
		return string(head[:min(len(head), 4)])
	}
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		head = head[:i+1]
	}
	return string(head)
}

// peek looks at the first bytes of a file that is held, if that takes no waiting:
// the whole may be read only after the exec was let go, and seen.
func (q *acquisition) peek() {
	var buf [headSize]byte
	n, err := unix.Preadv2(q.fd, [][]byte{buf[:]}, 0, unix.RWF_NOWAIT)
	if errors.Is(err, unix.EOPNOTSUPP) && (q.magic == magicTmpfs || q.magic == magicRamfs) {
		// There is nothing to wait for; tmpfs can say so since 6.6.
		n, err = unix.Pread(q.fd, buf[:], 0)
	}
	if err == nil {
		q.begin(buf[:n])
	}
}
