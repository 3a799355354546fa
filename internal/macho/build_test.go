package macho

import (
	"bytes"
	"crypto"
	"encoding/binary"
	"math/rand/v2"
)

// The builder below writes Mach-O files and their signatures from the layout in
// <mach-o/loader.h> and xnu's cs_blobs.h, apart from the code under test.

const (
	cpuARM64 = 0x0100000c
	cpuAMD64 = 0x01000007
)

type directorySpec struct {
	hashType byte
	shift    byte
	limit64  bool
	noTeam   bool
}

type fileSpec struct {
	arch        Arch
	codeSize    int // header included
	ident, team string
	directories []directorySpec
	sign        func(directories [][]byte) []byte // CMS
	unsigned    bool
	seed        uint64
}

var hashTypes = map[byte]struct {
	hash crypto.Hash
	size int
}{
	hashSHA1: {crypto.SHA1, 20}, hashSHA256: {crypto.SHA256, 32},
	hashSHA256Truncated: {crypto.SHA256, 20}, hashSHA384: {crypto.SHA384, 48},
}

func sum(h crypto.Hash, b []byte) []byte {
	w := h.New()
	w.Write(b)
	return w.Sum(nil)
}

// build returns the file and the cdhashes of its directories.
func (s fileSpec) build() ([]byte, []CDHash) {
	if s.ident == "" {
		s.ident = "org.example.tool"
	}
	if s.codeSize == 0 {
		s.codeSize = 3*4096 + 100
	}
	if len(s.directories) == 0 {
		s.directories = []directorySpec{{hashType: hashSHA256, shift: 12}}
	}
	code := make([]byte, s.codeSize)
	rnd := rand.New(rand.NewPCG(s.seed, 1))
	for i := range code {
		code[i] = byte(rnd.Uint32())
	}
	// The size of the signature does not depend on the pages' contents, so a
	// first pass over zeroes tells what to write into the header.
	sigSize := len(s.signature(code))
	copy(code, s.header(sigSize))
	if s.unsigned {
		return code, nil
	}
	var hashes []CDHash
	for i, d := range s.directories {
		cd := s.directory(code, i, d)
		hashes = append(hashes, CDHash(sum(hashTypes[d.hashType].hash, cd)[:20]))
	}
	return append(code, s.signature(code)...), hashes
}

func (s fileSpec) header(sigSize int) []byte {
	le := binary.LittleEndian
	var text []byte // LC_SEGMENT_64 without sections
	text = le.AppendUint32(text, 0x19)
	text = le.AppendUint32(text, 72)
	text = append(text, "__TEXT\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	for _, v := range []uint64{1 << 32, 1 << 20, 0, uint64(s.codeSize)} {
		text = le.AppendUint64(text, v)
	}
	for _, v := range []uint32{5, 5, 0, 0} {
		text = le.AppendUint32(text, v)
	}
	loads, n := text, uint32(1)
	if !s.unsigned {
		for _, v := range []uint32{loadCmdCodeSign, 16, uint32(s.codeSize), uint32(sigSize)} {
			loads = le.AppendUint32(loads, v)
		}
		n++
	}
	var h []byte
	for _, v := range []uint32{0xfeedfacf, s.arch.CPU, s.arch.Sub, 2, n, uint32(len(loads)), 0, 0} {
		h = le.AppendUint32(h, v)
	}
	return append(h, loads...)
}

func (s fileSpec) directory(code []byte, index int, d directorySpec) []byte {
	be := binary.BigEndian
	ht := hashTypes[d.hashType]
	page := len(code)
	if d.shift > 0 {
		page = 1 << d.shift
	}
	var slots []byte
	count := uint32(0)
	for c := code; len(c) > 0; count++ {
		n := min(page, len(c))
		slots = append(slots, sum(ht.hash, c[:n])[:ht.size]...)
		c = c[n:]
	}
	const special = 2
	ident := append([]byte(s.ident), 0)
	team := append([]byte(s.team), 0)
	fixed := 88
	identOff := fixed
	teamOff := identOff + len(ident)
	hashOff := teamOff + len(team) + special*ht.size
	b := make([]byte, fixed)
	be.PutUint32(b[0:], magicCodeDirectory)
	be.PutUint32(b[4:], uint32(hashOff+len(slots)))
	be.PutUint32(b[8:], 0x20400)
	be.PutUint32(b[12:], 0x10000)
	be.PutUint32(b[16:], uint32(hashOff))
	be.PutUint32(b[20:], uint32(identOff))
	be.PutUint32(b[24:], special)
	be.PutUint32(b[28:], count)
	be.PutUint32(b[32:], uint32(len(code)))
	b[36], b[37], b[39] = byte(ht.size), d.hashType, d.shift
	if s.team != "" && !d.noTeam {
		be.PutUint32(b[48:], uint32(teamOff))
	}
	if d.limit64 {
		be.PutUint32(b[32:], 0)
		be.PutUint64(b[56:], uint64(len(code)))
	}
	b = append(b, ident...)
	b = append(b, team...)
	b = append(b, make([]byte, special*ht.size)...)
	return append(b, slots...)
}

func (s fileSpec) signature(code []byte) []byte {
	be := binary.BigEndian
	type entry struct {
		slot uint32
		blob []byte
	}
	var entries []entry
	var raw [][]byte
	for i, d := range s.directories {
		cd := s.directory(code, i, d)
		raw = append(raw, cd)
		slot := uint32(slotCodeDirectory)
		if i > 0 {
			slot = slotAlternate + uint32(i) - 1
		}
		entries = append(entries, entry{slot, cd})
	}
	// An empty requirement set stands between the directories and the CMS.
	entries = append(entries, entry{2, []byte{0xfa, 0xde, 0x0c, 0x01, 0, 0, 0, 12, 0, 0, 0, 0}})
	if s.sign != nil {
		cms := s.sign(raw)
		w := be.AppendUint32(nil, magicBlobWrapper)
		w = be.AppendUint32(w, uint32(8+len(cms)))
		entries = append(entries, entry{slotSignature, append(w, cms...)})
	}
	off := 12 + 8*len(entries)
	var index, blobs []byte
	for _, e := range entries {
		index = be.AppendUint32(index, e.slot)
		index = be.AppendUint32(index, uint32(off+len(blobs)))
		blobs = append(blobs, e.blob...)
	}
	b := be.AppendUint32(nil, magicSuperBlob)
	b = be.AppendUint32(b, uint32(off+len(blobs)))
	b = be.AppendUint32(b, uint32(len(entries)))
	b = append(append(b, index...), blobs...)
	// Two runs of a signer differ by some bytes in length, so there is room.
	room := 64
	if s.sign != nil {
		room += 8192 - len(entries[len(entries)-1].blob)
	}
	return append(b, make([]byte, room)...)
}

// universal joins thin files.
func universal(files ...[]byte) []byte {
	be := binary.BigEndian
	h := be.AppendUint32(nil, 0xcafebabe)
	h = be.AppendUint32(h, uint32(len(files)))
	off := 16384
	var body bytes.Buffer
	for _, f := range files {
		le := binary.LittleEndian
		for body.Len()%16384 != 0 {
			body.WriteByte(0)
		}
		for _, v := range []uint32{le.Uint32(f[4:]), le.Uint32(f[8:]), uint32(off + body.Len()), uint32(len(f)), 14} {
			h = be.AppendUint32(h, v)
		}
		body.Write(f)
	}
	return append(append(h, make([]byte, off-len(h))...), body.Bytes()...)
}
