// How values behave: frozen, equal by what they say, the same whichever way the module came, and through JSON and clones.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import test from 'node:test'
import * as castline from 'castline'
import { VECTORS, budgets, image, largeImage, require, target } from './support.mjs'

const { Fleet, Plan, Policy, Release, Target, Time } = castline
const LAYOUT = path.join(VECTORS, 'layouts/three-layers')

/** Whether a value and everything in it is frozen. */
const isFrozen = (value) =>
  value === null || typeof value !== 'object' || (Object.isFrozen(value) && Object.values(value).every(isFrozen))

/** Whether nothing in it is null: what is not stated is not there. */
const isStated = (value) => value !== null && (typeof value !== 'object' || Object.values(value).every(isStated))

test('import and require lead to the same classes', () => {
  const required = require('castline')
  assert.deepEqual(Object.keys(required).sort(), Object.keys(castline).sort())
  for (const name of Object.keys(required)) assert.equal(required[name], castline[name], name)
})

test('values are frozen, in whole and inside', async () => {
  const goal = target()
  const plan = castline.planSync(goal)
  const { report, images } = await castline.verify(`oci:${LAYOUT}`)
  const rootfs = await castline.tree(`oci:${LAYOUT}`)
  const drift = await castline.compare(rootfs, rootfs)
  const ledger = new castline.Ledger().append('2026-01-01T00:00:00Z', 'ann', { kind: 'note', text: 'hello' })
  const run = new castline.Rollout(plan, goal, { at: '2026-01-01T00:00:00Z' })
  const plain = [
    plan.toJSON(), plan.stages, plan.limits, plan.replacements, goal.fleet.toJSON(), goal.release.toJSON(), goal.policy.toJSON(),
    report.toJSON(), drift.toJSON(), castline.checkSync(plan, goal), await castline.check(plan, goal), ledger.entries,
    await castline.simulate(plan, goal), await castline.explore(plan, goal), castline.bounds(plan, goal), ledger.history('web'),
    ledger.imagesNeeded(3), run.next(), run.status, run.progress, run.waits, castline.codes,
    (await castline.inspect(`oci:${LAYOUT}`)).toJSON(),
  ]
  for (const value of plain) {
    assert.ok(isFrozen(value), JSON.stringify(value))
    // Only the moments of a timeline are there and null where they never came.
    assert.ok('makespanMillis' in value || isStated(value), JSON.stringify(value))
    assert.deepEqual(structuredClone(value), value)
    assert.deepEqual(JSON.parse(JSON.stringify(value)), value)
  }
  const made = [plan, goal, goal.fleet, report, drift, images, images[0], rootfs, castline.Scan.of(rootfs), ledger, run, plan.digest]
  for (const value of made) {
    assert.ok(Object.isFrozen(value))
    assert.throws(() => { value.anything = 1 }, TypeError)
  }
  assert.throws(() => { goal.fleet = null }, TypeError)
  assert.throws(() => { plan.stages[0].name = 'other' }, TypeError)
  assert.throws(() => { report.findings.push({}) }, TypeError)
})

test('documents are equal by what they say, and read again from each of their forms', () => {
  const goal = target()
  const plan = castline.planSync(goal)
  for (const document of [goal.fleet, goal.release, goal.policy, plan]) {
    const kind = document.constructor
    const text = JSON.stringify(document)
    for (const form of [text, Buffer.from(text), document.toJSON(), structuredClone(document.toJSON()), document, document.toCanonical(), String(document)]) {
      const again = kind.fromJSON(form)
      assert.ok(again.equals(document) && document.equals(again))
      assert.ok(again.digest.equals(document.digest))
    }
    assert.ok(!document.equals(text) && !document.equals(null) && !document.equals(new Policy({ attempts: 7 })))
    assert.equal(document.toJSON(), document.toJSON())
  }
  assert.ok(!Fleet.fromJSON('{"service": "web", "instances": []}').equals(goal.fleet))
})

test('a digest is the same in every language: the tables say so, and order says nothing', () => {
  const [one, two] = [{ id: 'a', zone: 'z' }, { id: 'b', readyAt: new Date(0) }]
  const fleet = new Fleet('web', [one, two])
  assert.ok(fleet.digest.equals(new Fleet('web', new Set([two, one])).digest))
  assert.equal(fleet.get('b').readyAt, '1970-01-01T00:00:00Z')
  assert.equal(fleet.get('c'), undefined)
  assert.deepEqual([...fleet], fleet.instances)
  assert.equal(String(castline.Digest.of('')), 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  assert.ok(castline.Digest.of('ä').equals(castline.Digest.of(Buffer.from('ä'))))
})

test('texts are values, and stand for themselves in JSON', () => {
  const time = new Time('2026-01-01T01:00:00+01:00')
  assert.equal(JSON.stringify({ time }), '{"time":"2026-01-01T00:00:00Z"}')
  assert.deepEqual(time.toDate(), new Date('2026-01-01T00:00:00Z'))
  assert.ok(new Time(time.toDate()).equals(time) && Time.fromMillis(time.millis).equals(time))
  assert.ok(!time.equals(String(time)) && !time.equals(null))
  assert.equal(new castline.Amount('25% up').of(10n ** 18n + 1n), 250_000_000_000_000_001n)
  const window = new castline.Window('0 2 * * *', 3600, 'Europe/Berlin')
  assert.ok(window.isOpen('2026-01-01T01:30:00Z') && !window.isOpen(new Date('2026-01-01T03:00:00Z')))
  assert.ok(window.equals(new castline.Window('0 2 * * *', 3600n, 'Europe/Berlin')))
  assert.ok(new Policy({ windows: [window] }).equals(new Policy({ windows: [{ ...window }] })))
})

test('what is not stated may be null, numbers may be bigints, and texts may be values', () => {
  const plain = new Policy({ attempts: 3, budgets: [{ maxSurge: '25% up', maxUnavailable: 0 }] })
  const given = new Policy({ attempts: 3n, service: null, budgets: [{ maxSurge: new castline.Amount('25% up'), maxUnavailable: 0n }] })
  assert.ok(plain.equals(given))
  assert.equal(Release.ofProviderImage('web', image, 3n).replicas, 3)
  const zone = new Fleet('web', [{ id: 'a', slot: null, createdAt: new Date(5), revision: Release.ofProviderImage('web', image, 1).revision }])
  assert.equal(zone.instances[0].createdAt, '1970-01-01T00:00:00.005Z')
})

test('an image is a reference, a path or a file: URL, and sizes are bigints', async () => {
  const [{ report }, ...others] = await Promise.all(
    [`oci:${LAYOUT}`, new castline.Reference(`oci:${LAYOUT}`), castline.Reference.at(LAYOUT), pathToFileURL(LAYOUT), castline.Reference.at(pathToFileURL(LAYOUT))]
      .map((one) => castline.verify(one)),
  )
  for (const other of others) assert.deepEqual(other.report, report)
  assert.equal(typeof report.bytes, 'bigint')
  assert.equal(report.toJSON().bytes, Number(report.bytes))
  assert.deepEqual([...report], report.findings)
  const inspection = await castline.inspect(`oci:${LAYOUT}`)
  const [one] = inspection.images
  assert.equal(one.size, one.layers.reduce((sum, layer) => sum + layer.size, 0n))
  const index = JSON.parse(readFileSync(path.join(LAYOUT, 'index.json')))
  assert.equal(one.digest, index.manifests[0].digest)
})

test('sizes keep all their digits', async () => {
  const declared = 2n ** 53n + 1n
  const { reference, dispose } = largeImage(512, declared)
  try {
    const { images: [one] } = await castline.inspect(reference)
    assert.equal(one.layers[0].size, declared)
    assert.equal(one.size, declared)
  } finally {
    dispose()
  }
})

test('a release is of an image that was verified, and nothing else makes one', async () => {
  const { images: [verified] } = await castline.verify(`oci:${LAYOUT}`)
  const release = new Release('web', verified, 2)
  assert.equal(release.toJSON().image.verified.identities.manifest, String(verified.digest))
  assert.ok(castline.Digest.of(verified.manifest).equals(verified.digest))
  assert.throws(() => new castline.VerifiedImage(), TypeError)
  assert.throws(() => new Release('web', { ...verified }, 2), TypeError)
  assert.throws(() => new Release('web', Object.create(castline.VerifiedImage.prototype), 2), TypeError)
  assert.throws(() => new Plan(), TypeError)
  assert.ok(new Target(new Fleet('web', []), release, budgets(0, 1)).release.withReplicas(5).replicas === 5)
})
