package image

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"xnumon/internal/sensor"
)

// Hashes says which digests are wanted.
type Hashes struct{ SHA256, SHA1, MD5 bool }

// Any says whether at least one is.
func (h Hashes) Any() bool { return h.SHA256 || h.SHA1 || h.MD5 }

// ParseHashes reads a list such as "sha256,md5", or "none".
func ParseHashes(list string) (h Hashes, err error) {
	if list == "none" {
		return h, nil
	}
	for _, name := range strings.Split(list, ",") {
		switch name {
		case "sha256":
			h.SHA256 = true
		case "sha1":
			h.SHA1 = true
		case "md5":
			h.MD5 = true
		default:
			return Hashes{}, fmt.Errorf("unknown hash %q: use none, or any of sha256, sha1 and md5 with commas between", name)
		}
	}
	return h, nil
}

// digester computes the wanted digests in one pass.
type digester struct {
	sha256, sha1, md5 hash.Hash
}

func (h Hashes) digester() *digester {
	d := &digester{}
	if h.SHA256 {
		d.sha256 = sha256.New()
	}
	if h.SHA1 {
		d.sha1 = sha1.New()
	}
	if h.MD5 {
		d.md5 = md5.New()
	}
	return d
}

func (d *digester) write(p []byte) {
	for _, h := range [...]hash.Hash{d.sha256, d.sha1, d.md5} {
		if h != nil {
			h.Write(p) // never fails (package hash)
		}
	}
}

func (d *digester) sum() sensor.Digest {
	encode := func(h hash.Hash) string {
		if h == nil {
			return ""
		}
		return hex.EncodeToString(h.Sum(nil))
	}
	return sensor.Digest{SHA256: encode(d.sha256), SHA1: encode(d.sha1), MD5: encode(d.md5)}
}
