package macho

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
)

const signerCN = "Developer ID Application: Example (TEAM123456)"

// signerFor returns a signer that puts the directories it is told into the list
// of its signed attributes.
func signerFor(t testing.TB, listed ...int) func([][]byte) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(4711),
		Subject:      pkix.Name{CommonName: signerCN, OrganizationalUnit: []string{"TEAM123456"}},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return func(directories [][]byte) []byte {
		sd, err := pkcs7.NewSignedData(directories[0])
		if err != nil {
			t.Fatal(err)
		}
		sd.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
		var config pkcs7.SignerInfoConfig
		for _, i := range listed {
			full := sha256.Sum256(directories[i])
			config.ExtraSignedAttributes = append(config.ExtraSignedAttributes, pkcs7.Attribute{
				Type: oidHashAgility2,
				Value: struct {
					Algorithm asn1.ObjectIdentifier
					Digest    []byte
				}{digestOIDs[crypto.SHA256], full[:]},
			})
		}
		if err := sd.AddSigner(cert, key, config); err != nil {
			t.Fatal(err)
		}
		sd.Detach()
		cms, err := sd.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return cms
	}
}

func TestSigner(t *testing.T) {
	arm := Arch{cpuARM64, 0}
	two := []directorySpec{{hashType: hashSHA1, shift: 12}, {hashType: hashSHA256, shift: 12}}

	t.Run("primary", func(t *testing.T) {
		file, hashes := fileSpec{arch: arm, sign: signerFor(t)}.build()
		c, err := find(file, arm, hashes[0])
		if err != nil || c.SignerErr != nil || c.CertCN != signerCN {
			t.Fatalf("%v, %+v", err, c)
		}
	})
	t.Run("alternate listed", func(t *testing.T) {
		file, hashes := fileSpec{arch: arm, directories: two, sign: signerFor(t, 1)}.build()
		c, err := find(file, arm, hashes[1])
		if err != nil || c.SignerErr != nil || c.CertCN != signerCN {
			t.Fatalf("%v, %+v", err, c)
		}
	})
	t.Run("alternate not listed", func(t *testing.T) {
		file, hashes := fileSpec{arch: arm, directories: two, sign: signerFor(t)}.build()
		c, err := find(file, arm, hashes[1])
		if err != nil || c.SignerErr == nil || c.CertCN != "" {
			t.Fatalf("%v, %+v", err, c)
		}
	})
	t.Run("signature of another program", func(t *testing.T) {
		other, _ := fileSpec{arch: arm, seed: 9}.build()
		sign := signerFor(t)
		stolen := func(directories [][]byte) []byte {
			return sign([][]byte{other[bytes.LastIndex(other, []byte{0xfa, 0xde, 0x0c, 0x02}):]})
		}
		file, hashes := fileSpec{arch: arm, sign: stolen}.build()
		c, err := find(file, arm, hashes[0])
		if err != nil || c.SignerErr == nil || c.CertCN != "" {
			t.Fatalf("%v, %+v", err, c)
		}
	})
}

func FuzzSigner(f *testing.F) {
	file, _ := fileSpec{arch: Arch{cpuARM64, 0}, codeSize: 4200, sign: signerFor(f)}.build()
	f.Add(file[4200:])
	f.Fuzz(func(t *testing.T, b []byte) {
		sig, err := parseSignature(b)
		if err != nil {
			return
		}
		for _, cd := range sig.directories {
			if cn, err := sig.signer(cd); err != nil && cn != "" {
				t.Errorf("signer %q although %v", cn, err)
			}
		}
	})
}
