package record

import (
	"reflect"
	"testing"

	"xnumon/event"
	"xnumon/internal/lineage"
	"xnumon/internal/sensor"
)

func TestSignature(t *testing.T) {
	signed := &sensor.File{
		Path: "/tool", HasStat: true,
		Signature: &event.Signature{CDHash: "00ff", Ident: "org.example", StatusReason: event.ReasonNotEvaluated},
	}
	signed.Resolve(sensor.Digest{CertCN: "Example"})
	unread := &sensor.File{Path: "/caf\uFFFD", PathReason: event.ReasonReplaced, HasStat: true, Signature: &event.Signature{
		Status: event.SignatureGood, Origin: event.OriginDevID, TeamID: "TEAM",
	}}
	b := NewBuilder(Options{Ancestors: Unlimited})
	r := b.Exec(&sensor.Exec{Image: signed}, &lineage.Execution{Image: &lineage.Image{File: unread}})

	want := &event.Signature{CDHash: "00ff", Ident: "org.example", CertCN: "Example", StatusReason: event.ReasonNotEvaluated}
	if !reflect.DeepEqual(r.Image.Signature, want) {
		t.Errorf("image: %+v", r.Image.Signature)
	}
	if m := []event.Absence{{Field: "signature", Reason: event.ReasonNotEvaluated}}; !reflect.DeepEqual(r.Image.Missing, m) {
		t.Errorf("image misses %v", r.Image.Missing)
	}
	if s := r.Subject.Image.Signature; s == nil || s.Origin != event.OriginDevID || s.TeamID != "TEAM" || s.CertCN != "" {
		t.Errorf("subject: %+v", s)
	}
	if m := []event.Absence{{Field: "path", Reason: event.ReasonReplaced}}; !reflect.DeepEqual(r.Subject.Image.Missing, m) || r.Subject.Image.Path == "" {
		t.Errorf("subject: %q misses %v", r.Subject.Image.Path, r.Subject.Image.Missing)
	}
	if signed.Signature.CertCN != "" {
		t.Error("the file was changed")
	}
}
