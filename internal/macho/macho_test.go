package macho

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

func find(b []byte, arch Arch, want CDHash) (*Code, error) {
	return Find(bytes.NewReader(b), int64(len(b)), arch, want)
}

func TestFindAndVerify(t *testing.T) {
	arm := Arch{cpuARM64, 0x80000002}
	for name, spec := range map[string]fileSpec{
		"sha256":        {arch: arm, team: "TEAM123456"},
		"large pages":   {arch: arm, directories: []directorySpec{{hashType: hashSHA256, shift: 14}}, codeSize: 70001},
		"sha1":          {arch: arm, directories: []directorySpec{{hashType: hashSHA1, shift: 12}}},
		"truncated":     {arch: arm, directories: []directorySpec{{hashType: hashSHA256Truncated, shift: 12}}},
		"sha384":        {arch: arm, directories: []directorySpec{{hashType: hashSHA384, shift: 12}}},
		"one page":      {arch: arm, directories: []directorySpec{{hashType: hashSHA256, shift: 0}}},
		"even pages":    {arch: arm, codeSize: 4 * 4096},
		"64-bit limit":  {arch: arm, directories: []directorySpec{{hashType: hashSHA256, shift: 12, limit64: true}}},
		"two":           {arch: arm, directories: []directorySpec{{hashType: hashSHA1, shift: 12}, {hashType: hashSHA256, shift: 12}}},
		"no team field": {arch: arm, team: "TEAM123456", directories: []directorySpec{{hashType: hashSHA256, shift: 12, noTeam: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			file, hashes := spec.build()
			for i, h := range hashes {
				c, err := find(file, arm, h)
				if err != nil {
					t.Fatalf("directory %d: %v", i, err)
				}
				if err := c.Verify(bytes.NewReader(file)); err != nil {
					t.Errorf("directory %d: %v", i, err)
				}
				if c.Ident != "org.example.tool" || c.CDHash != h {
					t.Errorf("got %q %x", c.Ident, c.CDHash)
				}
				team := spec.team
				if spec.directories != nil && spec.directories[i].noTeam {
					team = ""
				}
				if c.TeamID != team {
					t.Errorf("team %q, want %q", c.TeamID, team)
				}
				if c.CertCN != "" || c.SignerErr != nil {
					t.Errorf("ad-hoc signature has a signer %q, %v", c.CertCN, c.SignerErr)
				}
			}
		})
	}
}

func TestFindChoosesSlice(t *testing.T) {
	arm := Arch{cpuARM64, 0x80000002}
	amd := Arch{cpuAMD64, 3}
	haswell := Arch{cpuAMD64, 8}
	a, ah := fileSpec{arch: arm, seed: 1}.build()
	b, bh := fileSpec{arch: amd, seed: 2, codeSize: 9000}.build()
	c, ch := fileSpec{arch: haswell, seed: 3}.build()
	fat := universal(b, c, a)
	for _, tt := range []struct {
		arch Arch
		hash CDHash
		want error
	}{
		{arm, ah[0], nil},
		{Arch{cpuARM64, 2}, ah[0], nil},          // capability bits are not compared
		{Arch{cpuARM64, 0x81000002}, ah[0], nil}, // neither is their value
		{amd, bh[0], nil},
		{haswell, ch[0], nil},
		{Arch{}, bh[0], nil},
		{Arch{}, ch[0], nil},
		{amd, ch[0], ErrMismatch}, // the right code in the wrong slice
		{haswell, bh[0], ErrMismatch},
		{Arch{}, CDHash{1}, ErrMismatch},
		{Arch{7, 3}, bh[0], ErrNoSlice},
		{Arch{cpuARM64, 0}, ah[0], ErrNoSlice},
	} {
		code, err := find(fat, tt.arch, tt.hash)
		if !errors.Is(err, tt.want) {
			t.Errorf("%#x: error %v, want %v", tt.arch, err, tt.want)
			continue
		}
		if err == nil {
			if err := code.Verify(bytes.NewReader(fat)); err != nil {
				t.Errorf("%#x: %v", tt.arch, err)
			}
		}
	}
}

func TestFindRefuses(t *testing.T) {
	arm := Arch{cpuARM64, 0}
	unsigned, _ := fileSpec{arch: arm, unsigned: true}.build()
	for name, tt := range map[string]struct {
		file []byte
		want error
	}{
		"empty":    {nil, ErrNotMachO},
		"short":    {[]byte{1, 2}, ErrNotMachO},
		"script":   {[]byte("#!/bin/sh\nexit 0\n"), ErrNotMachO},
		"unsigned": {unsigned, ErrUnsigned},
	} {
		if _, err := find(tt.file, arm, CDHash{1}); !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", name, err, tt.want)
		}
	}
}

// TestEveryByteCounts changes each single byte that the signature covers.
func TestEveryByteCounts(t *testing.T) {
	arm := Arch{cpuARM64, 0}
	file, hashes := fileSpec{arch: arm, codeSize: 2*4096 + 50}.build()
	code, err := find(file, arm, hashes[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		file[i] ^= 0x10
		if err := code.Verify(bytes.NewReader(file)); !errors.Is(err, ErrModified) {
			t.Fatalf("byte %d of %d changed: error %v", i, len(file), err)
		}
		file[i] ^= 0x10
	}
	for _, n := range []int{0, 100, 8242, len(file) - 1} {
		if err := code.Verify(bytes.NewReader(file[:n])); !errors.Is(err, ErrModified) {
			t.Errorf("cut to %d: error %v", n, err)
		}
	}
}

// TestCheckerPieces says that how the bytes are cut up does not matter, and that
// a change of any byte of the slice is seen, one of another slice is not.
func TestCheckerPieces(t *testing.T) {
	arm, amd := Arch{cpuARM64, 0}, Arch{cpuAMD64, 3}
	a, ah := fileSpec{arch: arm, seed: 1, codeSize: 12345}.build()
	b, _ := fileSpec{arch: amd, seed: 2}.build()
	fat := universal(b, a)
	code, err := find(fat, arm, ah[0])
	if err != nil {
		t.Fatal(err)
	}
	start := bytes.Index(fat, a)
	rapid.Check(t, func(t *rapid.T) {
		file := bytes.Clone(fat)
		at := rapid.IntRange(-1, len(fat)-1).Draw(t, "changed byte")
		if at >= 0 {
			file[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		k := code.Checker()
		for rest := file; len(rest) > 0; {
			n := rapid.IntRange(1, min(len(rest), 20000)).Draw(t, "piece")
			if m, err := k.Write(rest[:n]); m != n || err != nil {
				t.Fatalf("write: %d, %v", m, err)
			}
			rest = rest[n:]
		}
		inside := at >= start && at < start+len(a)
		if err := k.Err(); errors.Is(err, ErrModified) != inside {
			t.Fatalf("byte %d, slice %d to %d: error %v", at, start, start+len(a), err)
		}
	})
}

// TestLinkerSignature holds against a signature that another program made: Go's
// linker signs what it makes for Apple's processors.
func TestLinkerSignature(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "main.go")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "tool")
	cmd := exec.Command("go", "build", "-o", out, src)
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, msg)
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	// The directory is found by its magic, and ends by its length: no more
	// than that of the code under test is used to learn the hash.
	i := bytes.LastIndex(file, []byte{0xfa, 0xde, 0x0c, 0x02})
	n := int(file[i+4])<<24 | int(file[i+5])<<16 | int(file[i+6])<<8 | int(file[i+7])
	full := sha256.Sum256(file[i : i+n])
	code, err := find(file, Arch{cpuARM64, 0}, CDHash(full[:20]))
	if err != nil {
		t.Fatal(err)
	}
	if err := code.Verify(bytes.NewReader(file)); err != nil {
		t.Error(err)
	}
	const adhoc, linkerSigned = 0x2, 0x20000
	if code.Flags != adhoc|linkerSigned || code.Ident != "a.out" {
		t.Errorf("flags %#x, identifier %q", code.Flags, code.Ident)
	}
	file[5000] ^= 1
	if err := code.Verify(bytes.NewReader(file)); !errors.Is(err, ErrModified) {
		t.Errorf("changed: error %v", err)
	}
}

func FuzzFind(f *testing.F) {
	arm := Arch{cpuARM64, 2}
	for _, s := range []fileSpec{
		{arch: arm, codeSize: 4200},
		{arch: arm, codeSize: 4200, directories: []directorySpec{{hashType: hashSHA1, shift: 12}, {hashType: hashSHA256, shift: 0}}},
		{arch: arm, unsigned: true, codeSize: 300},
	} {
		file, hashes := s.build()
		h := CDHash{}
		if len(hashes) > 0 {
			h = hashes[0]
		}
		f.Add(file, h[:])
		f.Add(universal(file), h[:])
	}
	f.Fuzz(func(t *testing.T, file, hash []byte) {
		var h CDHash
		copy(h[:], hash)
		code, err := find(file, Arch{}, h)
		if err != nil {
			return
		}
		// Found means that a directory in these bytes has this hash; whether
		// the pages are right is another matter, but it must come to an end.
		_ = code.Verify(bytes.NewReader(file))
	})
}
