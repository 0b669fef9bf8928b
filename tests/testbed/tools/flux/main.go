// Command flux has two of Flux's rules, for JSON objects on standard input:
//
//	flux kstatus   prints how Flux assesses each object: a line with status and message
//	flux check     fails if an object of Flux's own kinds has a field that its type lacks
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	helm "github.com/fluxcd/helm-controller/api/v2"
	kustomize "github.com/fluxcd/kustomize-controller/api/v1"
	source "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var kinds = map[string]any{
	source.GroupVersion.String() + "/GitRepository":    &source.GitRepository{},
	helm.GroupVersion.String() + "/HelmRelease":        &helm.HelmRelease{},
	kustomize.GroupVersion.String() + "/Kustomization": &kustomize.Kustomization{},
}

func main() {
	log.SetFlags(0)
	commands := map[string]func(text []byte, object *unstructured.Unstructured) error{"kstatus": assess, "check": check}
	if len(os.Args) != 2 || commands[os.Args[1]] == nil {
		log.Fatal("usage: flux kstatus|check < OBJECTS")
	}
	objects := json.NewDecoder(os.Stdin)
	for {
		var text json.RawMessage
		if err := objects.Decode(&text); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(text); err != nil {
			log.Fatal(err)
		}
		if err := commands[os.Args[1]](text, object); err != nil {
			log.Fatalf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
}

func assess(_ []byte, object *unstructured.Unstructured) error {
	result, err := status.Compute(object)
	if err == nil {
		fmt.Printf("%s %s\n", result.Status, result.Message)
	}
	return err
}

func check(text []byte, object *unstructured.Unstructured) error {
	kind := object.GetAPIVersion() + "/" + object.GetKind()
	if kinds[kind] == nil {
		return fmt.Errorf("%s is no kind of Flux", kind)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(kinds[kind])
}
