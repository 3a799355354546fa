package macho

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/smallstep/pkcs7"
)

// oidHashAgility2 is the signed attribute in which a signer lists the hashes of
// all code directories, since the signature itself is over the first one only
// (libsecurity_codesigning, "hash agility" version 2).
var oidHashAgility2 = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 9, 2}

var digestOIDs = map[crypto.Hash]asn1.ObjectIdentifier{
	crypto.SHA1:   {1, 3, 14, 3, 2, 26},
	crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
	crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2},
}

// signer returns the common name of the certificate with which cd was signed.
func (s *signature) signer(cd *codeDirectory) (cn string, err error) {
	// The parser indexes into what it was given in places; foreign bytes must
	// not be able to end the program.
	defer func() {
		if r := recover(); r != nil {
			cn, err = "", fmt.Errorf("parse CMS: %v", r)
		}
	}()
	primary := s.primary()
	if primary == nil {
		return "", errors.New("no primary code directory")
	}
	p7, err := pkcs7.Parse(s.cms)
	if err != nil {
		return "", fmt.Errorf("parse CMS: %w", err)
	}
	leaf := p7.GetOnlySigner()
	if leaf == nil {
		return "", errors.New("not one signer")
	}
	p7.Content = primary.raw
	if err := p7.Verify(); err != nil {
		return "", fmt.Errorf("verify CMS: %w", err)
	}
	if cd != primary {
		if err := listed(p7, cd); err != nil {
			return "", fmt.Errorf("alternate code directory: %w", err)
		}
	}
	return leaf.Subject.CommonName, nil
}

func (s *signature) primary() *codeDirectory {
	for _, cd := range s.directories {
		if cd.slot == slotCodeDirectory {
			return cd
		}
	}
	return nil
}

// listed reports whether the signer put this code directory among those he signed.
func listed(p7 *pkcs7.PKCS7, cd *codeDirectory) error {
	h := cd.hash.New()
	h.Write(cd.raw)
	want := h.Sum(nil)
	// The attribute's value is a SET with one element for each code directory,
	// of which UnmarshalSignedAttribute would give the first only.
	for _, a := range signedAttributes(p7) {
		if !a.oid.Equal(oidHashAgility2) {
			continue
		}
		for rest := a.set; len(rest) > 0; {
			var entry struct {
				Algorithm asn1.ObjectIdentifier
				Digest    []byte
			}
			var err error
			if rest, err = asn1.Unmarshal(rest, &entry); err != nil {
				return fmt.Errorf("list of code directories: %w", err)
			}
			if entry.Algorithm.Equal(digestOIDs[cd.hash]) && bytes.Equal(entry.Digest, want) {
				return nil
			}
		}
	}
	return errors.New("not listed by the signer")
}

type attribute struct {
	oid asn1.ObjectIdentifier
	set []byte
}

func signedAttributes(p7 *pkcs7.PKCS7) []attribute {
	var all []attribute
	for _, s := range p7.Signers {
		for _, a := range s.AuthenticatedAttributes {
			all = append(all, attribute{a.Type, a.Value.Bytes})
		}
	}
	return all
}
