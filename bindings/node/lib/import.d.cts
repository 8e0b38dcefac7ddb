import type { Text } from './input.cjs'
import type { Import } from './json/import.cjs'
import type { ProviderImage } from './json/release.cjs'

export interface KubernetesOptions {
  /** What is in this namespace only. */
  readonly namespace?: string | undefined
  /** The container of a pod that is looked at, by its name. */
  readonly container?: string | undefined
}

export interface DockerOptions {
  /** The zone that all of them are in. */
  readonly zone?: string | undefined
}

export interface PackerOptions {
  /** Those in this region only. */
  readonly region?: string | undefined
  /** Those of the build of this name only. */
  readonly build?: string | undefined
}

/** Fleets and policies out of `kubectl get … -o json`. */
export declare function importKubernetes(documents: Text | Iterable<Text>, options?: KubernetesOptions): Import
/** Fleets out of `docker inspect` or `podman inspect`. */
export declare function importDocker(documents: Text | Iterable<Text>, options?: DockerOptions): Import
/** Fleets out of `aws ec2 describe-instances` and `aws autoscaling describe-auto-scaling-groups`. */
export declare function importAws(documents: Text | Iterable<Text>): Import
/** The one image that Packer's `manifest.json` has. */
export declare function importPacker(manifest: Text, options?: PackerOptions): ProviderImage
