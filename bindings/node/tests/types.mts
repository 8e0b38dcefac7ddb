// What the types allow and what they refuse, by `import`. Compiled, never run.
import * as castline from 'castline'
import { type Action, type ErrorCode, type FindingCode, type Instance, type RolloutEvent, Fleet, Plan, Policy, Release, Target } from 'castline'

type Equal<X, Y> = (<T>() => T extends X ? 1 : 2) extends <T>() => T extends Y ? 1 : 2 ? true : false
const exact = <X, Y>(_same: Equal<X, Y>): void => {}

// Values.
const digest = castline.Digest.of(new Uint8Array(3))
exact<typeof digest.text, string>(true)
// @ts-expect-error values are immutable
digest.text = 'x'
// @ts-expect-error a digest is made of a text
new castline.Digest(5)
// @ts-expect-error what only looks like a digest is none
const pretended: castline.Digest = { text: '', algorithm: '', encoded: '', toString: () => '', toJSON: () => '', equals: () => true }
const time = new castline.Time(new Date(0))
const opens: castline.Time | null = new castline.Window('* * * * *', 60n).nextOpen(time)
exact<ReturnType<castline.Amount['of']>, bigint>(true)

// Fleets, from plain objects with castline's values in them.
const instance: Instance = { id: 'a', zone: 'z', health: 'ready' }
const fleet = new Fleet('web', [instance, { id: 'b', createdAt: new Date(0), readyAt: time, slot: null, deletionCost: 3n }])
new Fleet('web', new Set([instance]))
// @ts-expect-error an instance has an id
new Fleet('web', [{ zone: 'a' }])
// @ts-expect-error there is no such health
new Fleet('web', [{ id: 'a', health: 'fine' }])
// @ts-expect-error there is no such member
new Fleet('web', [{ id: 'a', zoen: 'a' }])
// @ts-expect-error a plain form is frozen
fleet.toJSON().instances[0]!.id = 'x'
// @ts-expect-error and its lists are
fleet.instances.push(instance)
exact<ReturnType<Fleet['get']>, Instance | undefined>(true)
for (const one of fleet) exact<typeof one, Instance>(true)

// Policies and releases.
const policy = new Policy({
  attempts: 3,
  budgets: [{ scope: { inZone: 'a' }, maxSurge: new castline.Amount('25% up'), maxUnavailable: 0n, window: new castline.Window('* * * * *', 60) }],
  strategy: { canary: [{ amount: '10% up', gate: { bakeSeconds: 60 } }] },
  order: ['zoneByZone', { last: { key: 'role', value: 'primary' } }],
})
// @ts-expect-error there is no such strategy
new Policy({ strategy: 'yolo' })
// @ts-expect-error nor such a member
new Policy({ budget: [] })
declare const image: castline.VerifiedImage
const release = new Release('web', image, 3)
Release.ofProviderImage('web', { provider: 'aws', id: 'ami', provenance: { builder: 'packer' } }, 3n)
// @ts-expect-error only a verified image runs
new Release('web', { digest }, 3)
// @ts-expect-error verify() makes them
new castline.VerifiedImage()
// @ts-expect-error plan() makes plans
new Plan()
// @ts-expect-error a release is no fleet
new Target(release, fleet)
const target = new Target(fleet, release, policy)

// Plans.
const plan: Plan = await castline.plan(target, { signal: AbortSignal.timeout(1000) })
exact<ReturnType<typeof castline.planSync>, Plan>(true)
await castline.check(plan, [target])
const timeline = await castline.simulate(plan, target, { world: { seed: 5n, launchMillis: { least: 1, most: 2 } }, at: new Date() })
const launched: number | null | undefined = timeline.lives[0]?.launchedMillis
plan.toText(timeline, { width: 80 })
// @ts-expect-error what has no progress has none to be told
await castline.plan(target, { progress() {} })
// @ts-expect-error a world has no such member
await castline.simulate(plan, target, { world: { sed: 5 } })
exact<Awaited<ReturnType<typeof castline.explore>>['states'], number>(true)

// Rollouts: actions and events are told apart by their types.
const run = new castline.Rollout(plan, target, { at: time, fallback: [release] })
// @ts-expect-error a rollout begins at some time
new castline.Rollout(plan, target, {})
const act = (action: Action): RolloutEvent | undefined => {
  switch (action.type) {
    case 'launch':
      return { type: 'launched', at: time.text, key: action.key, instance: action.revision }
    case 'retire':
      // @ts-expect-error only a launch has a revision
      action.revision
      return { type: 'gone', at: time.text, instance: action.instance }
    case 'shift':
      return { type: 'shifted', at: time.text, key: action.key }
    case 'analyse':
    case 'ask':
      return undefined
    default:
      // All of them are known.
      exact<typeof action, never>(true)
      return undefined
  }
}
for (const action of run.next().actions) act(action)
run.on({ type: 'observed', at: new Date(), fleet })
run.on({ type: 'resize', at: time, service: 'web', replicas: 5n, by: 'ann' })
// @ts-expect-error a launch has an instance
run.on({ type: 'launched', at: time, key: 'x' })
// @ts-expect-error there is no such event
run.on({ type: 'exploded', at: time })
const status = run.status
if (status.status === 'rolledBack') exact<typeof status.to, readonly string[]>(true)
exact<ReturnType<castline.Rollout['fleet']>, Fleet | null>(true)

// Images.
const { report, images } = await castline.verify('oci:app:v2', {
  platform: new castline.Platform('linux/amd64'),
  progress: ({ bytes, blobs }) => { exact<typeof bytes, bigint>(true); exact<typeof blobs, number>(true) },
  signal: undefined,
})
exact<typeof report.bytes, bigint>(true)
exact<(typeof images)[number], castline.VerifiedImage>(true)
for (const { code, level } of report) { exact<typeof code, FindingCode>(true); exact<typeof level, 'error' | 'warning' | 'info'>(true) }
await castline.verify(new URL('file:///images/app'))
await castline.verify(castline.Reference.at('/images/app'))
// @ts-expect-error an image is a reference or a URL
await castline.verify(5)
// @ts-expect-error there is no such option
await castline.verify('oci:x', { job: 1 })
const { images: inspected } = await castline.inspect('oci:x')
const size: bigint | undefined = inspected[0]?.layers[0]?.size
const drift = await castline.compare(await castline.tree('oci:x'), await castline.scan('/proc/1/root'), { profile: 'podman', ignore: ['/tmp/**'] })
exact<typeof drift.bytes, bigint>(true)
// @ts-expect-error there is no such profile
await castline.compare(await castline.tree('oci:x'), await castline.scan('/'), { profile: 'lxc' })

// The ledger.
const ledger = new castline.Ledger()
  .append(time, 'ann', { kind: 'release', release })
  .append(new Date(), 'ann', { kind: 'start', plan: plan.digest, changes: [{ service: 'web', fleet: fleet.digest, release: release.digest, revision: release.revision }] })
  .append(time, 'ann', { kind: 'note', text: 'x' })
// @ts-expect-error there is no such record
ledger.append(time, 'ann', { kind: 'notes', text: 'x' })
const [entry] = ledger.entries
if (entry?.record.kind === 'note') exact<typeof entry.record.text, string>(true)

// Imports.
const found = castline.importKubernetes(['{}', Buffer.from('{}')], { namespace: 'x' })
for (const service of Object.values(found.services)) Fleet.fromJSON(service.fleet)

// Errors.
try {
  await castline.plan(target)
} catch (error) {
  if (error instanceof castline.InfeasibleError) {
    exact<typeof error.code, castline.InfeasibleCode>(true)
    exact<(typeof error.conflict)[number]['name'], string>(true)
    // @ts-expect-error that is an error of another kind
    error.trace
  } else if (error instanceof castline.CastlineError) {
    const known: ErrorCode | string = error.code
    // @ts-expect-error there is no such code
    if (error.code === 'ENOENT') throw known
  }
}
exact<(typeof castline.codes)['error'], readonly ErrorCode[]>(true)
export { launched, opens, pretended, size }
