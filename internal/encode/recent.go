package encode

import (
	"slices"

	"xnumon/event"
)

// recent remembers how images of the past were written last. Each record has its ancestors
// whole, and processes that are started one after the other have the same. The zero value is empty.
type recent struct{ kept []writtenImage }

const recentMost = 128 // a power of two; each takes about a kilobyte

// writtenImage is an image with a copy of all that it points to, and what was written for it.
type writtenImage struct {
	image, script keptImage
	fields        []byte // what is between the braces, empty at first
}

type keptImage struct {
	event.Image
	signature event.Signature
	missing   []event.Absence
}

// at is the place for an image. Another one that has it is replaced.
func (r *recent) at(i *event.Image) *writtenImage {
	if r.kept == nil {
		r.kept = make([]writtenImage, recentMost)
	}
	h := uint64(i.ExecTime) ^ i.Ino
	h ^= h>>28 ^ h>>14 ^ h>>7
	return &r.kept[h%recentMost]
}

// is says whether this is what was written for an image that is the same in all.
func (k *writtenImage) is(i *event.Image) bool {
	return len(k.fields) > 0 && sameImage(&k.image.Image, i)
}

// keep remembers what was written for an image.
func (k *writtenImage) keep(i *event.Image, fields []byte) {
	k.image.copy(i)
	if i.Script != nil {
		k.script.copy(i.Script)
		k.image.Script = &k.script.Image
	}
	k.fields = append(k.fields[:0], fields...)
}

// copy copies all but what the script of an image points to.
func (k *keptImage) copy(i *event.Image) {
	k.Image = *i
	if i.Signature != nil {
		k.signature = *i.Signature
		k.Signature = &k.signature
	}
	k.missing = append(k.missing[:0], i.Missing...)
	k.Missing = k.missing
}

// sameImage compares two images and all that they point to. What is most likely to differ comes first.
func sameImage(a, b *event.Image) bool {
	return a.ExecTime == b.ExecTime && a.ExecPid == b.ExecPid && a.Ino == b.Ino && a.CTime == b.CTime &&
		a.Path == b.Path && a.SHA256 == b.SHA256 && a.SHA1 == b.SHA1 && a.MD5 == b.MD5 &&
		a.Deleted == b.Deleted && a.Unreachable == b.Unreachable && a.Memfd == b.Memfd && a.Mode == b.Mode &&
		a.UID == b.UID && a.UName == b.UName && a.GID == b.GID && a.GName == b.GName && a.Size == b.Size && a.Dev == b.Dev &&
		a.MTime == b.MTime && a.BTime == b.BTime && a.Reconstructed == b.Reconstructed && a.HasStat == b.HasStat &&
		a.OmitMode == b.OmitMode && a.OmitSize == b.OmitSize && a.OmitGroup == b.OmitGroup &&
		slices.Equal(a.Missing, b.Missing) && sameSignature(a.Signature, b.Signature) && sameScript(a.Script, b.Script)
}

func sameSignature(a, b *event.Signature) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func sameScript(a, b *event.Image) bool {
	return a == b || a != nil && b != nil && sameImage(a, b)
}
