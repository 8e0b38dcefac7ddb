// What should run. As `toJSON` gives it: plain, frozen objects, of which `schemas/` is the same.

/** The digests that name an image in the wild. */
export interface Identities {
  /** The configuration's digest: Docker's image ID. */
  readonly config?: string
  /** The digests of the indexes that contain it, outermost first: what Kubernetes often reports. */
  readonly indexes?: readonly string[]
  /** The manifest's digest, the canonical one. Absent for an image out of a docker archive, which has no manifest. */
  readonly manifest?: string
}

/** How an instance is run: what a release declares, or what a platform reports. What is absent is not stated. */
export interface InstanceSpec {
  /** Its arguments: Docker's command, Kubernetes' `args`. */
  readonly args?: readonly string[]
  /** What is run: Docker's entrypoint, Kubernetes' `command`. */
  readonly entrypoint?: readonly string[]
  /** Variables by name. A name is not empty, and has no `=` in it. */
  readonly env?: { readonly [name: string]: string }
  /** How to see whether it does its work. Without one, an instance that runs is ready. */
  readonly health?: HealthCheck
  /** Free text by key. */
  readonly labels?: { readonly [name: string]: string }
  /** Mounts by the path that they are mounted at. */
  readonly mounts?: { readonly [name: string]: Mount }
  /** Variables that are secrets, by name, and where their values come from. None of them is in `env` as well. */
  readonly secrets?: { readonly [name: string]: SecretSource }
  /** `user[:group]`; empty and `0` are root. */
  readonly user?: string
  /** Where it is run. */
  readonly workingDir?: string
}

/** A command that says whether an instance does its work, as Docker's `HEALTHCHECK` does. Times are milliseconds. */
export interface HealthCheck {
  /** What is run inside the instance, a program and its arguments; it does its work where this ends with 0. Not empty. */
  readonly command: readonly string[]
  /** How long after one check the next one begins; 1000 by default, not 0. */
  readonly intervalMillis?: number
  /** How many in a row must fail until the instance has failed for good; 3 by default, not 0. */
  readonly retries?: number
  /** For how long after its start no failure counts; 0 by default. */
  readonly startPeriodMillis?: number
  /** How long one may take; 5000 by default, not 0. */
  readonly timeoutMillis?: number
}

/**
 * Where the value of a variable comes from that is a secret, on the machine of the driver, when an instance is launched.
 * Documents, digests, plans, ledgers and labels have this reference only.
 */
export type SecretSource =
  /** A variable of the process that runs castline. */
  | { readonly env: string }
  /** What is in a file, by its whole path; a line feed at its end is cut off. */
  | { readonly file: string }

/** What is mounted. */
export interface Mount {
  /** Whether nothing can be written through it. */
  readonly readOnly?: boolean
  /** The host's path, or the name of a volume. */
  readonly source?: string
}

/** An image that only its provider has: it can be named, not verified. */
export interface ProviderImage {
  /** Its name there, which never means another image, e.g. `ami-0abcdef1234567890`. */
  readonly id: string
  /** Where it came from: builder, build, source, template. Must not be empty. */
  readonly provenance: { readonly [name: string]: string }
  /** Who has it, e.g. `aws`, `gce`. */
  readonly provider: string
}

/** The image of a release. */
export type ReleaseImage =
  /** One whose every byte was checked. */
  | {
    readonly verified: {
      /** Why it was taken on trust, where castline did not verify it. */
      readonly assumed?: string
      /** The digests that name it in the wild. */
      readonly identities: Identities
      /** What it runs on. */
      readonly platform?: string
    }
  }
  /** One that only its provider has, such as an AMI. */
  | { readonly provider: ProviderImage }

/** What should run: a service, its verified image, how many copies, and how each is run. */
export interface ReleaseJSON {
  readonly image: ReleaseImage
  readonly replicas: number
  readonly service: string
  readonly spec?: InstanceSpec
}
