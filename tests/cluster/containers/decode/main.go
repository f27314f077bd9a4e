// Decodes Kubernetes manifests from standard input the way the API server does with strict field
// validation: into the typed structs of k8s.io/api, refusing unknown and doubled fields and unknown
// kinds. Prints each as one line of JSON; what is wrong goes to standard error, with exit code 1.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func decoder() (runtime.Decoder, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, policyv1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	return serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer(), nil
}

func check(decode runtime.Decoder, document []byte) (runtime.Object, string, error) {
	object, kind, err := decode.Decode(document, nil, nil)
	if err != nil {
		return nil, "", err
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return nil, "", err
	}
	name := kind.Kind + "/" + accessor.GetName()
	problems := metav1validation.ValidateLabels(accessor.GetLabels(), field.NewPath("metadata", "labels"))
	for _, text := range validation.NameIsDNS1035Label(accessor.GetName(), false) {
		problems = append(problems, field.Invalid(field.NewPath("metadata", "name"), accessor.GetName(), text))
	}
	return object, name, problems.ToAggregate()
}

func run(in io.Reader, out io.Writer) error {
	decode, err := decoder()
	if err != nil {
		return err
	}
	reader := yaml.NewYAMLReader(bufio.NewReader(in))
	var wrong []error
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		object, name, err := check(decode, document)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
			continue
		}
		line, err := json.Marshal(object)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, string(line))
	}
	if len(wrong) == 0 {
		return nil
	}
	for _, err := range wrong {
		fmt.Fprintln(os.Stderr, err)
	}
	return fmt.Errorf("%d manifests are wrong", len(wrong))
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
