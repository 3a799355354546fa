package macos

import (
	"encoding/hex"

	"xnumon/event"
)

// Code signing flags of a process, from xnu's osfmk/kern/cs_blobs.h.
const (
	csValid    = 0x00000001
	csAdhoc    = 0x00000002
	csDebugged = 0x10000000
	csSigned   = 0x20000000
)

// Validation categories, likewise: the policy under which the kernel admitted
// the code (message version 10).
const (
	categoryPlatform    = 1
	categoryTestFlight  = 2
	categoryDevelopment = 3
	categoryAppStore    = 4
	categoryEnterprise  = 5
	categoryDeveloperID = 6
	categoryLocal       = 7
	categoryNone        = 10
)

// signature says what the kernel said of the code of p, nil if it said nothing.
// Only the kernel's own evaluation counts: that code is part of the system, or
// the category under which it was admitted. A valid signature alone says that the
// code is what somebody signed, not who that is.
func (p *process) signature() *event.Signature {
	if !p.hasFlags {
		return nil
	}
	sig := &event.Signature{}
	if p.flags&csSigned == 0 {
		sig.Status = event.SignatureUnsigned
		return sig
	}
	sig.Ident, sig.TeamID = p.ident, p.team
	if !p.cdhash.IsZero() {
		sig.CDHash = hex.EncodeToString(p.cdhash[:])
	}
	switch {
	case p.flags&csValid == 0 && p.flags&csDebugged == 0:
		sig.Status = event.SignatureBad
	case p.flags&csValid == 0:
		// A debugger invalidates the process, not the file.
		sig.StatusReason = event.ReasonNotEvaluated
	default:
		if p.category != nil {
			sig.Status, sig.Origin = categorised(*p.category)
		}
		switch {
		case sig.Status != "":
		case p.platform: // the flag of that name is not set by all versions
			sig.Status, sig.Origin = event.SignatureGood, event.OriginSystem
		case p.flags&csAdhoc != 0:
			sig.Status = event.SignatureUntrusted
		}
	}
	if sig.Status == "" {
		sig.StatusReason = event.ReasonNotEvaluated
	}
	return sig
}

func categorised(category uint64) (status, origin string) {
	switch category {
	case categoryPlatform:
		return event.SignatureGood, event.OriginSystem
	case categoryAppStore:
		return event.SignatureGood, event.OriginAppStore
	case categoryDeveloperID:
		return event.SignatureGood, event.OriginDevID
	case categoryTestFlight, categoryDevelopment, categoryEnterprise:
		return event.SignatureGood, event.OriginGeneric
	case categoryLocal, categoryNone:
		return event.SignatureUntrusted, ""
	}
	// Rosetta's and the JIT's own, invalid, or one that came later: these say
	// nothing about who vouches for the file.
	return "", ""
}
