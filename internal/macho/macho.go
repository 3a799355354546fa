// Package macho finds the code in a Mach-O file that a kernel says it has
// admitted, and checks that the file holds that very code: the code directory
// whose hash the kernel knows, and behind it the hash of every page. Reading
// the Mach-O format itself is left to debug/macho.
//
// Nothing here evaluates trust. A certificate's name is returned when its key
// has signed the code directory, whoever issued it.
package macho

import (
	"debug/macho"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Errors that a caller tells apart. All others mean that the file is malformed
// or uses something this package does not know.
var (
	// ErrNotMachO: the file does not start like one.
	ErrNotMachO = errors.New("not a Mach-O file")
	// ErrNoSlice: no slice is for the architecture asked for.
	ErrNoSlice = errors.New("no slice for this architecture")
	// ErrUnsigned: the slice has no signature.
	ErrUnsigned = errors.New("not signed")
	// ErrMismatch: there is a signature, but none of its code directories has
	// the hash asked for.
	ErrMismatch = errors.New("code directory does not have this hash")
	// ErrModified: the bytes are not those that the code directory names.
	ErrModified = errors.New("code does not match its code directory")
)

// Arch is an architecture as in <mach/machine.h>. The zero value means any.
type Arch struct {
	CPU uint32
	Sub uint32 // the upper byte holds capability bits, which are not compared
}

const (
	subtypeMask     = 0x00ffffff
	loadCmdCodeSign = 0x1d // LC_CODE_SIGNATURE, <mach-o/loader.h>
	magicFat64      = 0xcafebabf

	// maxSignature bounds what is read of a signature: the slots of a file of
	// two gigabytes, twice, with room to spare.
	maxSignature = 64 << 20
)

// Code is code found by the hash of its code directory.
type Code struct {
	Arch   Arch
	CDHash CDHash
	Flags  uint32 // of the code directory, see cs_blobs.h
	Ident  string // signing identifier
	TeamID string // empty for ad-hoc signatures
	// CertCN is the common name of the certificate whose key signed the code
	// directory; empty for ad-hoc signatures and where SignerErr says why.
	CertCN    string
	SignerErr error

	slice  extent // of the file
	blob   extent // the signature, likewise
	raw    []byte // the signature's bytes
	direct *codeDirectory
}

type extent struct{ off, size int64 }

func (e extent) end() int64 { return e.off + e.size }

// Find looks in r, a file of size bytes, for the code of architecture arch whose
// code directory hashes to want. The pages themselves are not read yet: that is
// what Verify and Checker are for.
func Find(r io.ReaderAt, size int64, arch Arch, want CDHash) (*Code, error) {
	slices, err := slices(r, size)
	if err != nil {
		return nil, err
	}
	// The error of the best candidate is the one worth telling.
	found := ErrNoSlice
	for _, s := range slices {
		if arch.CPU != 0 && (s.arch.CPU != arch.CPU || s.arch.Sub&subtypeMask != arch.Sub&subtypeMask) {
			continue
		}
		code, err := s.find(r, want)
		if err == nil {
			return code, nil
		}
		if found == ErrNoSlice || errors.Is(found, ErrUnsigned) {
			found = err
		}
	}
	return nil, found
}

type slice struct {
	arch Arch
	at   extent
	sign *extent // relative to the slice, nil without LC_CODE_SIGNATURE
}

// slices lists what is in the file: one entry for a thin file.
func slices(r io.ReaderAt, size int64) ([]slice, error) {
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, ErrNotMachO
		}
		return nil, fmt.Errorf("read magic: %w", err)
	}
	switch binary.BigEndian.Uint32(magic[:]) {
	case macho.MagicFat:
		fat, err := macho.NewFatFile(r)
		if err != nil {
			return nil, fmt.Errorf("parse universal file: %w", err)
		}
		var all []slice
		for _, a := range fat.Arches {
			at := extent{int64(a.Offset), int64(a.Size)}
			if at.end() > size {
				return nil, fmt.Errorf("slice of %#x/%#x: %w", uint32(a.FatArchHeader.Cpu), a.FatArchHeader.SubCpu, errTruncated)
			}
			// The kernel goes by the universal header and refuses a slice
			// whose own header says something else (xnu, mach_loader.c).
			if a.File.Cpu != a.FatArchHeader.Cpu {
				continue
			}
			all = append(all, newSlice(a.File, at))
		}
		return all, nil
	case magicFat64:
		return nil, errors.New("universal files with 64-bit offsets are not supported")
	}
	f, err := macho.NewFile(r)
	if err != nil {
		var format *macho.FormatError
		if errors.As(err, &format) && !isThin(magic) {
			return nil, ErrNotMachO
		}
		return nil, fmt.Errorf("parse: %w", err)
	}
	return []slice{newSlice(f, extent{0, size})}, nil
}

func isThin(magic [4]byte) bool {
	for _, v := range []uint32{binary.BigEndian.Uint32(magic[:]), binary.LittleEndian.Uint32(magic[:])} {
		if v == macho.Magic32 || v == macho.Magic64 {
			return true
		}
	}
	return false
}

func newSlice(f *macho.File, at extent) slice {
	s := slice{arch: Arch{uint32(f.Cpu), f.SubCpu}, at: at}
	for _, l := range f.Loads {
		b := l.Raw()
		if len(b) < 16 || f.ByteOrder.Uint32(b) != loadCmdCodeSign {
			continue
		}
		// linkedit_data_command: cmd, cmdsize, dataoff, datasize
		s.sign = &extent{int64(f.ByteOrder.Uint32(b[8:])), int64(f.ByteOrder.Uint32(b[12:]))}
		break
	}
	return s
}

func (s slice) find(r io.ReaderAt, want CDHash) (*Code, error) {
	if s.sign == nil {
		return nil, ErrUnsigned
	}
	if s.sign.end() > s.at.size {
		return nil, fmt.Errorf("signature: %w", errTruncated)
	}
	if s.sign.size > maxSignature {
		return nil, fmt.Errorf("signature of %d bytes", s.sign.size)
	}
	blob := extent{s.at.off + s.sign.off, s.sign.size}
	raw := make([]byte, blob.size)
	if n, err := r.ReadAt(raw, blob.off); n < len(raw) {
		return nil, fmt.Errorf("read signature: %w", err)
	}
	sig, err := parseSignature(raw)
	if err != nil {
		return nil, fmt.Errorf("parse signature: %w", err)
	}
	for _, cd := range sig.directories {
		if cd.cdhash() != want {
			continue
		}
		// The pages end where the signature starts.
		if cd.limit > s.sign.off {
			return nil, fmt.Errorf("code limit %d behind the signature at %d", cd.limit, s.sign.off)
		}
		c := &Code{
			Arch: s.arch, CDHash: want, Flags: cd.flags, Ident: cd.ident, TeamID: cd.teamID,
			slice: s.at, blob: blob, raw: raw, direct: cd,
		}
		if len(sig.cms) > 0 {
			c.CertCN, c.SignerErr = sig.signer(cd)
		}
		return c, nil
	}
	if len(sig.directories) == 0 {
		return nil, ErrUnsigned
	}
	return nil, ErrMismatch
}
