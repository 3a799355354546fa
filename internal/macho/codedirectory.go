package macho

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // old signatures have nothing better
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
)

// CDHash is the hash of a code directory as the kernel keeps it: the first 20
// bytes of whatever hash the code directory itself uses.
type CDHash [20]byte

// IsZero says that there is none.
func (h CDHash) IsZero() bool { return h == CDHash{} }

// Numbers from xnu's osfmk/kern/cs_blobs.h. All of it is big-endian, whatever
// the byte order of the code.
const (
	magicSuperBlob     = 0xfade0cc0
	magicCodeDirectory = 0xfade0c02
	magicBlobWrapper   = 0xfade0b01

	slotCodeDirectory = 0
	slotAlternate     = 0x1000
	slotAlternateEnd  = 0x1005
	slotSignature     = 0x10000

	hashSHA1            = 1
	hashSHA256          = 2
	hashSHA256Truncated = 3
	hashSHA384          = 4

	versionScatter     = 0x20100
	versionTeamID      = 0x20200
	versionCodeLimit64 = 0x20300

	// maxBlobs is far above what signers write (about ten).
	maxBlobs = 64
)

// codeDirectory is one parsed code directory. It keeps the blob it came from.
type codeDirectory struct {
	raw      []byte
	slot     uint32
	flags    uint32
	ident    string
	teamID   string
	hash     crypto.Hash
	hashSize int // of a slot; the hash is cut to it
	pageSize int64
	limit    int64 // bytes of the slice that the pages cover
	slots    []byte
}

// signature is what a LC_CODE_SIGNATURE command points at.
type signature struct {
	directories []*codeDirectory
	cms         []byte // empty for ad-hoc signatures
}

var errTruncated = errors.New("truncated")

// parseSignature takes the super blob apart. The result refers to b.
func parseSignature(b []byte) (*signature, error) {
	if len(b) < 12 {
		return nil, errTruncated
	}
	if m := binary.BigEndian.Uint32(b); m != magicSuperBlob {
		return nil, fmt.Errorf("magic %#x is not that of a super blob", m)
	}
	n := binary.BigEndian.Uint32(b[4:])
	if n < 12 || uint64(n) > uint64(len(b)) {
		return nil, errTruncated
	}
	b = b[:n] // what follows is padding
	count := binary.BigEndian.Uint32(b[8:])
	if count > maxBlobs || len(b) < 12+8*int(count) {
		return nil, fmt.Errorf("%d blobs do not fit: %w", count, errTruncated)
	}
	sig := &signature{}
	for i := range int(count) {
		index := b[12+8*i:]
		slot := binary.BigEndian.Uint32(index)
		blob, err := blobAt(b, binary.BigEndian.Uint32(index[4:]))
		if err != nil {
			return nil, fmt.Errorf("blob in slot %#x: %w", slot, err)
		}
		switch {
		case slot == slotCodeDirectory || slot >= slotAlternate && slot < slotAlternateEnd:
			cd, err := parseCodeDirectory(blob)
			if err != nil {
				return nil, fmt.Errorf("code directory in slot %#x: %w", slot, err)
			}
			cd.slot = slot
			sig.directories = append(sig.directories, cd)
		case slot == slotSignature:
			if binary.BigEndian.Uint32(blob) == magicBlobWrapper {
				sig.cms = blob[8:]
			}
		}
	}
	return sig, nil
}

// blobAt returns the blob at an offset, its header of magic and length included.
func blobAt(b []byte, off uint32) ([]byte, error) {
	if uint64(off)+8 > uint64(len(b)) {
		return nil, errTruncated
	}
	b = b[off:]
	n := binary.BigEndian.Uint32(b[4:])
	if n < 8 || uint64(n) > uint64(len(b)) {
		return nil, errTruncated
	}
	return b[:n], nil
}

func parseCodeDirectory(b []byte) (*codeDirectory, error) {
	const fixed = 44
	if len(b) < fixed {
		return nil, errTruncated
	}
	u32 := func(off int) uint32 { return binary.BigEndian.Uint32(b[off:]) }
	if m := u32(0); m != magicCodeDirectory {
		return nil, fmt.Errorf("magic %#x is not that of a code directory", m)
	}
	version := u32(8)
	cd := &codeDirectory{
		raw:      b,
		flags:    u32(12),
		limit:    int64(u32(32)),
		hashSize: int(b[36]),
	}
	hashOffset, identOffset, codeSlots := u32(16), u32(20), u32(28)

	var full int
	switch b[37] {
	case hashSHA1:
		cd.hash, full = crypto.SHA1, 20
	case hashSHA256:
		cd.hash, full = crypto.SHA256, 32
	case hashSHA256Truncated:
		cd.hash, full = crypto.SHA256, 20
	case hashSHA384:
		cd.hash, full = crypto.SHA384, 48
	default:
		return nil, fmt.Errorf("hash type %d is not known", b[37])
	}
	if cd.hashSize != full {
		return nil, fmt.Errorf("hash type %d with %d bytes a slot", b[37], cd.hashSize)
	}

	switch shift := b[39]; {
	case shift == 0: // one slot for everything
		cd.pageSize = 0
	case shift < 12 || shift > 16:
		// The kernel takes 4 KiB and its own page size only.
		return nil, fmt.Errorf("pages of 2^%d bytes", shift)
	default:
		cd.pageSize = 1 << shift
	}

	if version >= versionScatter {
		if len(b) < 48 {
			return nil, errTruncated
		}
		if u32(44) != 0 {
			return nil, errors.New("scattered code directories are not supported")
		}
	}
	var err error
	if cd.ident, err = cString(b, identOffset); err != nil {
		return nil, fmt.Errorf("identifier: %w", err)
	}
	if version >= versionTeamID {
		if len(b) < 52 {
			return nil, errTruncated
		}
		if off := u32(48); off != 0 {
			if cd.teamID, err = cString(b, off); err != nil {
				return nil, fmt.Errorf("team identifier: %w", err)
			}
		}
	}
	if version >= versionCodeLimit64 {
		if len(b) < 64 {
			return nil, errTruncated
		}
		if l := binary.BigEndian.Uint64(b[56:]); l != 0 {
			if l > 1<<62 {
				return nil, fmt.Errorf("code limit %d", l)
			}
			cd.limit = int64(l)
		}
	}

	end := uint64(hashOffset) + uint64(codeSlots)*uint64(cd.hashSize)
	if end > uint64(len(b)) {
		return nil, fmt.Errorf("%d code slots: %w", codeSlots, errTruncated)
	}
	cd.slots = b[hashOffset:end]
	if need := cd.pages(); uint64(need) > uint64(codeSlots) {
		return nil, fmt.Errorf("%d code slots for %d pages", codeSlots, need)
	}
	return cd, nil
}

// pages is the number of slots that the covered bytes need.
func (cd *codeDirectory) pages() int64 {
	switch {
	case cd.limit == 0:
		return 0
	case cd.pageSize == 0:
		return 1
	}
	return (cd.limit-1)/cd.pageSize + 1
}

// cdhash is the hash by which the kernel knows the code directory.
func (cd *codeDirectory) cdhash() CDHash {
	h := cd.hash.New()
	h.Write(cd.raw)
	return CDHash(h.Sum(nil)[:len(CDHash{})])
}

func cString(b []byte, off uint32) (string, error) {
	if uint64(off) >= uint64(len(b)) {
		return "", errTruncated
	}
	s, _, ok := bytes.Cut(b[off:], []byte{0})
	if !ok {
		return "", errTruncated
	}
	return string(s), nil
}
