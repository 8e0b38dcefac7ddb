// What the vectors cannot say: how values, errors and work behave in Node.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { after, before } from 'node:test'
import * as castline from 'castline'

const { Fleet, Policy, Release, Target } = castline
const require = createRequire(import.meta.url)
const native = require(path.join(path.dirname(require.resolve('castline/package.json')), 'castline.node'))

const image = { provider: 'aws', id: 'ami-2', provenance: { builder: 'packer' } }
const budgets = (maxUnavailable, maxSurge) => new Policy({ budgets: [{ maxUnavailable, maxSurge }] })
const target = (policy) =>
  new Target(
    new Fleet('web', [0, 1, 2].map((n) => ({ id: `w${n}`, image: 'ami-1' }))),
    Release.ofProviderImage('web', image, 3),
    policy,
  )

let folder, large
before(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'castline-'))
  mkdirSync(path.join(folder, 'blobs/sha256'), { recursive: true })
  const blob = (raw, kind) => {
    const digest = createHash('sha256').update(raw).digest('hex')
    writeFileSync(path.join(folder, 'blobs/sha256', digest), raw)
    return { mediaType: `application/vnd.oci.image.${kind}`, digest: `sha256:${digest}`, size: raw.length }
  }
  const text = (value) => Buffer.from(JSON.stringify(value))
  // An empty tar is zeros, however many.
  const layer = blob(Buffer.alloc(256 << 20), 'layer.v1.tar')
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [layer.digest] } }
  const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json' }
  const whole = { ...manifest, config: blob(text(config), 'config.v1+json'), layers: [layer] }
  writeFileSync(path.join(folder, 'index.json'), text({ schemaVersion: 2, manifests: [blob(text(whole), 'manifest.v1+json')] }))
  writeFileSync(path.join(folder, 'oci-layout'), '{"imageLayoutVersion": "1.0.0"}')
  large = `oci:${folder}`
})
after(() => rmSync(folder, { recursive: true }))

test('errors have the codes of every language, and say what is wrong', async () => {
  assert.throws(() => new castline.Digest('sha256:x'), { code: 'INVALID_DIGEST', message: /sha256:x/ })
  assert.throws(() => Policy.fromJSON('{"budget": []}'), { code: 'INVALID_DOCUMENT', message: /line 1 column/ })
  await assert.rejects(castline.verify('oci:/nowhere/at/all'), { code: 'IO', message: /nowhere/ })
  const failure = await castline.plan(target(budgets(0, 0))).catch((error) => error)
  assert.ok(failure instanceof castline.InfeasibleError && failure instanceof castline.CastlineError)
  assert.equal(failure.code, 'budgets-in-conflict')
  assert.ok(failure.conflict[0].name)
  const goal = target(budgets(1, 0))
  const changed = structuredClone(castline.planSync(goal).toJSON())
  changed.limits[0].floor = 0
  assert.throws(() => castline.checkSync(castline.Plan.fromJSON(changed), goal), { code: 'limit-too-lax' })
})

test('wrong types throw and nothing else', async () => {
  for (const wrong of [null, undefined, 1, [], {}, Symbol('x'), () => {}]) {
    assert.throws(() => new castline.Digest(wrong))
    // Nothing is a plan for nothing.
    if (!Array.isArray(wrong)) assert.throws(() => castline.planSync(wrong))
    assert.throws(() => new Target(wrong, wrong))
    assert.throws(() => Fleet.fromJSON(wrong))
    await assert.rejects(castline.verify(wrong))
    await assert.rejects(castline.compare(wrong, wrong))
  }
})

test('values are frozen, equal by what they say, and the same by import and require', () => {
  const goal = target(budgets(1, 0))
  const plan = castline.planSync(goal)
  assert.ok(plan.equals(castline.Plan.fromJSON(plan.toCanonical())))
  assert.throws(() => (plan.stages[0].name = 'other'), TypeError)
  assert.throws(() => (goal.fleet = null), TypeError)
  assert.ok(new castline.Digest(String(plan.digest)).equals(plan.digest))
  assert.equal(require('castline').Plan, castline.Plan)
  assert.equal(JSON.stringify(plan), JSON.stringify(castline.Plan.fromJSON(plan).toJSON()))
})

test('progress goes up to the end, and the event loop goes on', async () => {
  const seen = []
  let ticks = 0
  const timer = setInterval(() => (ticks += 1), 5)
  const { report } = await castline.verify(large, { progress: (now) => seen.push(now) })
  clearInterval(timer)
  assert.ok(report.complete)
  assert.equal(typeof report.bytes, 'bigint')
  assert.equal(seen.at(-1).bytes, report.bytes)
  assert.equal(seen.at(-1).totalBytes, report.bytes)
  assert.ok(ticks > 3, `${ticks} ticks`)
})

test('work is stopped by a signal, before and on the way, and by what progress throws', async () => {
  await assert.rejects(castline.verify(large, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('enough')), 20)
  await assert.rejects(castline.verify(large, { signal: controller.signal, jobs: 1 }), { message: 'enough' })
  const progress = () => {
    throw new RangeError('no more')
  }
  await assert.rejects(castline.verify(large, { progress, jobs: 1 }), { name: 'RangeError', message: 'no more' })
})

test('a panic is an error, and Node lives on', async () => {
  assert.throws(() => native.panicNow(), /as it was asked to/)
  await assert.rejects(native.panicLater(), { code: 'INTERNAL', message: /as it was asked to/ })
})

test('a rollout is the same from its journal', () => {
  const goal = target(budgets(1, 0))
  const plan = castline.planSync(goal)
  const at = castline.Time.fromMillis(0)
  const run = new castline.Rollout(plan, [goal], { at })
  const journal = []
  for (let second = 0; !run.ended && second < 100; second += 1) {
    const [action] = run.next().actions
    const at = castline.Time.fromMillis(1000 * second)
    const events =
      action.type === 'launch'
        ? [{ type: 'launched', key: action.key, instance: `n${second}` }, { type: 'ready', instance: `n${second}` }]
        : [{ type: 'gone', instance: action.instance }]
    for (const event of events) {
      journal.push({ at, ...event })
      run.on(journal.at(-1))
    }
  }
  assert.deepEqual(run.status, { status: 'succeeded' })
  const again = new castline.Rollout(plan, [goal], { at })
  for (const event of journal) again.on(event)
  assert.ok(again.equals(run) && run.copy().equals(run))
  assert.ok(castline.planSync(new Target(run.fleet('web'), goal.release, goal.policy)).empty)
})
