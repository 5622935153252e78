// Package param has the name that Go puts into its messages.
package param

type DeploymentParams struct {
	Name, Namespace string
	Pods            []string
}

type TemplateParams struct {
	Object     map[string]any
	Options    map[string]string
	Pods       []string
	Deployment *DeploymentParams
	Run        any
}
