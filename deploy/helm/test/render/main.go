// render CHART [VALUES]: renders a chart as Helm would install it, holds every object against the types of Kubernetes, and
// prints them as JSON. Fails on what Helm's linter calls an error, and on a field that Kubernetes does not know.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	objects, err := render(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(objects); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render(args []string) ([]runtime.Object, error) {
	if len(args) < 1 {
		return nil, fmt.Errorf("usage: render CHART [VALUES]")
	}
	chart, err := loader.Load(args[0])
	if err != nil {
		return nil, err
	}
	given := chartutil.Values{}
	if len(args) > 1 {
		if given, err = chartutil.ReadValuesFile(args[1]); err != nil {
			return nil, err
		}
	}
	release := chartutil.ReleaseOptions{Name: "docket", Namespace: "audit", Revision: 1, IsInstall: true}
	values, err := chartutil.ToRenderValues(chart, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(chart, values)
	if err != nil {
		return nil, err
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	names := make([]string, 0, len(files))
	for name := range files {
		if strings.HasSuffix(name, ".yaml") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	objects := []runtime.Object{}
	for _, name := range names {
		for _, text := range releaseutil.SplitManifests(files[name]) {
			object, _, err := decoder.Decode([]byte(text), nil, nil)
			if err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", name, err, text)
			}
			objects = append(objects, object)
		}
	}
	return objects, nil
}
