package event

// Signature is what is known of the code signature of an image, on systems
// whose kernel keeps one. Its fields stand in the image's object itself, under
// the names of the 2018 schema. What nobody evaluated is absent: a signature is
// only ever called good where the kernel said under which trusted policy it had
// admitted the code.
type Signature struct {
	// Status is one of the Signature constants, empty when no evaluation of
	// trust is known; the image's Missing list then says so.
	Status string `json:"signature,omitempty"`
	// Origin is one of the Origin constants, only together with SignatureGood.
	Origin string `json:"origin,omitempty"`
	// CDHash is the hash of the code directory that the kernel admitted, the
	// first 20 bytes of it in lower-case hexadecimal.
	CDHash string `json:"cdhash,omitempty"`
	// Ident is the signing identifier: chosen by whoever signed, so it means no
	// more than Status and Origin make of it.
	Ident string `json:"ident,omitempty"`
	// TeamID is the team identifier of the signing certificate.
	TeamID string `json:"teamid,omitempty"`
	// CertCN is the common name of the signing certificate. It is only there when
	// that certificate's key has signed the code directory with this CDHash.
	// Whether anybody trusts the certificate is for Status to say.
	CertCN string `json:"certcn,omitempty"`
	// StatusReason says why Status is empty; it belongs into the image's Missing
	// list under "signature".
	StatusReason Reason `json:"-"`
}

// What a signature was found to be.
const (
	SignatureUnsigned  = "unsigned"  // no signature
	SignatureGood      = "good"      // admitted under a policy with a trusted anchor
	SignatureUntrusted = "untrusted" // signed, but by nobody anybody vouches for (ad hoc, local)
	SignatureBad       = "bad"       // present and not valid
)

// Who vouches for a good signature.
const (
	OriginSystem   = "system"   // part of the operating system
	OriginAppStore = "appstore" // distributed by the App Store
	OriginDevID    = "devid"    // a Developer ID certificate
	OriginGeneric  = "generic"  // another certificate below the vendor's root
)
