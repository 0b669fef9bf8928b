// Command certs writes the keys and certificates of one throw-away control plane:
//
//	certs DIRECTORY [HOST...]
//
// ca.crt and ca.key, server.crt and server.key for loopback and the given hosts, with which
// the API server also logs in to kubelets, front-proxy-ca.crt and front-proxy.crt with their keys, and
// service-account.key. It is a program of its own so that a machine needs neither openssl
// nor a third-party Python package.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: certs DIRECTORY [HOST...]")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "certs:", err)
		os.Exit(1)
	}
}

func write(directory string, hosts []string) error {
	authority, authorityKey, err := issue(directory, "ca", template("testbed-ca", true), nil, nil)
	if err != nil {
		return err
	}
	server := template("kube-apiserver", false)
	for _, host := range append([]string{"127.0.0.1", "localhost"}, hosts...) {
		if ip := net.ParseIP(host); ip != nil {
			server.IPAddresses = append(server.IPAddresses, ip)
		} else {
			server.DNSNames = append(server.DNSNames, host)
		}
	}
	if _, _, err := issue(directory, "server", server, authority, authorityKey); err != nil {
		return err
	}
	// With these the API server forwards requests to servers of aggregated APIs, such as metrics-server.
	proxy, proxyKey, err := issue(directory, "front-proxy-ca", template("testbed-front-proxy-ca", true), nil, nil)
	if err != nil {
		return err
	}
	if _, _, err := issue(directory, "front-proxy", template("front-proxy", false), proxy, proxyKey); err != nil {
		return err
	}
	_, err = newKey(directory, "service-account")
	return err
}

func template(name string, authority bool) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic(err) // the system's source of randomness is broken
	}
	certificate := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		BasicConstraintsValid: true,
		IsCA:                  authority,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if authority {
		certificate.KeyUsage |= x509.KeyUsageCertSign
		certificate.ExtKeyUsage = nil
	}
	return certificate
}

// issue writes NAME.key and NAME.crt; without a parent the certificate signs itself.
func issue(
	directory, name string, certificate, parent *x509.Certificate, parentKey crypto.Signer,
) (*x509.Certificate, crypto.Signer, error) {
	key, err := newKey(directory, name)
	if err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, parentKey = certificate, key
	}
	der, err := x509.CreateCertificate(rand.Reader, certificate, parent, key.Public(), parentKey)
	if err != nil {
		return nil, nil, err
	}
	if err := save(directory, name+".crt", "CERTIFICATE", der); err != nil {
		return nil, nil, err
	}
	// Parsed back because only the finished certificate holds the subject key identifier that the
	// certificates it signs must name: Python 3.13 refuses a chain without it.
	issued, err := x509.ParseCertificate(der)
	return issued, key, err
}

func newKey(directory, name string) (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, save(directory, name+".key", "EC PRIVATE KEY", der)
}

func save(directory, name, kind string, der []byte) error {
	content := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	return os.WriteFile(filepath.Join(directory, name), content, 0o600)
}
