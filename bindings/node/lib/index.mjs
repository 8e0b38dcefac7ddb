import castline from './index.cjs'

export const {
  CastlineError, SourceError, InvalidImageError, InfeasibleError, ViolationError, BrokenChainError,
  Digest, Platform, Reference, Time, Amount, Revision, Window,
  Fleet, Policy, Release, Plan, Target,
  VerifiedImage, Report, DriftReport, Inspection, Rootfs, Scan, verify, inspect, tree, scan, compare, Built, build,
  plan, planSync, check, checkSync, explore, simulate, bounds,
  Rollout, Ledger, importKubernetes, importDocker, importAws, importPacker, codes, version,
} = castline
