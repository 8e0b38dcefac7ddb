// Whatever is given in place of what is wanted: an error with a code, never a crash, and no half-made value.
import assert from 'node:assert/strict'
import path from 'node:path'
import test from 'node:test'
import * as castline from 'castline'
import { VECTORS, budgets, image, target } from './support.mjs'

const { CastlineError, Fleet, Ledger, Plan, Policy, Release, Rollout, Rootfs, Scan, Target } = castline

const hostile = new Proxy({}, {
  get() { throw Object.assign(new Error('hostile'), { code: 'HOSTILE' }) },
  ownKeys() { throw Object.assign(new Error('hostile'), { code: 'HOSTILE' }) },
  getPrototypeOf() { throw Object.assign(new Error('hostile'), { code: 'HOSTILE' }) },
})
const revoked = Proxy.revocable({}, {})
revoked.revoke()
const cyclic = {}
cyclic.self = cyclic
let deep = []
for (let level = 0; level < 100_000; level += 1) deep = [deep]

const JUNK = [
  undefined, null, true, 0, -1, 1.5, NaN, Infinity, 2 ** 53, 10n ** 30n, -1n, '', 'x', '\0', '\ud800', 'a'.repeat(1 << 16), Symbol('x'),
  () => {}, class {}, [], [null], [undefined], ['x'], [{}], {}, { toString: null }, Object.create(null), new Date(NaN), new Date(), /x/,
  new Map(), new Set([1]), new Uint8Array(3), Buffer.from('{}'), new Uint8Array(0), new ArrayBuffer(8), new DataView(new ArrayBuffer(8)),
  Promise.resolve(1), new Error('x'), new URL('http://127.0.0.1/x'), new URL('file:///nowhere'), cyclic, deep, { id: cyclic },
  { toJSON() { return undefined } }, { [Symbol.iterator]: 1 }, { at: 'x', type: 'y' },
]
/** What throws by itself throws its own errors; what pretends to be of a class is found out by JavaScript. */
const HOSTILE = [
  Object.create(Fleet.prototype), Object.create(Plan.prototype), Object.create(Rollout.prototype), Object.create(castline.Digest.prototype),
  hostile, revoked.proxy, { toJSON() { throw Object.assign(new Error('hostile'), { code: 'HOSTILE' }) } },
]

const told = (error) =>
  (error instanceof CastlineError || error instanceof TypeError || error instanceof RangeError) && typeof error.code === 'string'

const goal = target()
const plan = castline.planSync(goal)
const rootfs = Rootfs.fromJSONLines('')
const ledger = new Ledger()
const at = '2026-01-01T00:00:00Z'
const started = () => new Rollout(plan, goal, { at })

/** Every function, constructor and method, each argument of it once: a call with something in its place. */
const CALLS = {
  'new Digest': [(x) => new castline.Digest(x)],
  'Digest.of': [(x) => castline.Digest.of(x)],
  'new Platform': [(x) => new castline.Platform(x)],
  'new Reference': [(x) => new castline.Reference(x)],
  'Reference.at': [(x) => castline.Reference.at(x)],
  'new Time': [(x) => new castline.Time(x)],
  'Time.fromMillis': [(x) => castline.Time.fromMillis(x)],
  'new Amount': [(x) => new castline.Amount(x)],
  'Amount.of': [(x) => new castline.Amount('25% up').of(x)],
  'new Revision': [(x) => new castline.Revision(x)],
  'new Window': [(x) => new castline.Window(x, 60), (x) => new castline.Window('* * * * *', x), (x) => new castline.Window('* * * * *', 60, x)],
  'Window.isOpen': [(x) => new castline.Window('* * * * *', 60).isOpen(x)],
  'Window.nextOpen': [(x) => new castline.Window('* * * * *', 60).nextOpen(x)],
  'new Fleet': [(x) => new Fleet(x, []), (x) => new Fleet('web', x), (x) => new Fleet('web', [x])],
  'Fleet.fromJSON': [(x) => Fleet.fromJSON(x)],
  'Fleet.get': [(x) => goal.fleet.get(x)],
  'new Policy': [(x) => new Policy(x), (x) => new Policy({ budgets: x }), (x) => new Policy({ budgets: [{ maxSurge: x }] })],
  'Policy.fromJSON': [(x) => Policy.fromJSON(x)],
  'new Release': [(x) => new Release(x, x, 1), (x) => new Release('web', x, 1)],
  'Release.ofProviderImage': [
    (x) => Release.ofProviderImage(x, image, 1), (x) => Release.ofProviderImage('web', x, 1), (x) => Release.ofProviderImage('web', image, x),
  ],
  'Release.fromJSON': [(x) => Release.fromJSON(x)],
  'Release.withReplicas': [(x) => goal.release.withReplicas(x)],
  'new Plan': [(x) => new Plan(x), (x) => new Plan(x, x)],
  'Plan.fromJSON': [(x) => Plan.fromJSON(x)],
  'Plan.toText': [(x) => plan.toText(x), (x) => plan.toText(undefined, x), (x) => plan.toText(undefined, { width: x })],
  'Plan.toSVG': [(x) => plan.toSVG(x)],
  'Plan.toHTML': [(x) => plan.toHTML(x)],
  'equals': [(x) => plan.equals(x), (x) => ledger.equals(x), (x) => rootfs.equals(x), (x) => started().equals(x), (x) => plan.digest.equals(x)],
  'new Target': [
    (x) => new Target(x, goal.release), (x) => new Target(goal.fleet, x), (x) => new Target(goal.fleet, goal.release, x),
  ],
  'new VerifiedImage': [(x) => new castline.VerifiedImage(x, x)],
  'new Rootfs': [(x) => new Rootfs(x, x)],
  'Rootfs.fromJSONLines': [(x) => Rootfs.fromJSONLines(x)],
  'new Scan': [(x) => new Scan(x, x)],
  'Scan.of': [(x) => Scan.of(x)],
  'verify': [(x) => castline.verify(x), (x) => castline.verify('oci:/nowhere', x), ...options('verify', 'platform', 'unreferenced', 'jobs', 'signal', 'progress')],
  'inspect': [(x) => castline.inspect(x), (x) => castline.inspect('oci:/nowhere', x), ...options('inspect', 'platform', 'signal', 'progress')],
  'tree': [(x) => castline.tree(x), (x) => castline.tree('oci:/nowhere', x), ...options('tree', 'platform', 'jobs', 'signal', 'progress')],
  'build': [
    (x) => castline.build(x, 'oci:/nowhere'), (x) => castline.build({ platforms: x }, 'oci:/nowhere'), (x) => castline.build({ platforms: ['linux/amd64'] }, x),
    ...['folder', 'created', 'compression', 'jobs', 'signal', 'progress'].map((name) => (x) => castline.build({ platforms: [] }, 'oci:/nowhere', { [name]: x })),
  ],
  'scan': [(x) => castline.scan('/nowhere', x), ...options('scan', 'signal', 'progress')],
  'compare': [
    (x) => castline.compare(x, rootfs), (x) => castline.compare(rootfs, x), (x) => castline.compare(rootfs, rootfs, x),
    ...['profile', 'ignore', 'mounts', 'mtime', 'signal'].map((name) => (x) => castline.compare(rootfs, rootfs, { [name]: x })),
  ],
  'plan': [(x) => castline.plan(x), (x) => castline.plan(goal, x), (x) => castline.plan(goal, { signal: x })],
  'planSync': [(x) => castline.planSync(x), (x) => castline.planSync([goal, x])],
  'check': [(x) => castline.check(x, goal), (x) => castline.check(plan, x), (x) => castline.check(plan, goal, x)],
  'checkSync': [(x) => castline.checkSync(x, goal), (x) => castline.checkSync(plan, x)],
  'explore': [
    (x) => castline.explore(x, goal), (x) => castline.explore(plan, x), (x) => castline.explore(plan, goal, x),
    ...['fallback', 'faults', 'signal'].map((name) => (x) => castline.explore(plan, goal, { [name]: x, states: 100 })),
    (x) => castline.explore(plan, goal, { states: x }),
  ],
  'simulate': [
    (x) => castline.simulate(x, goal), (x) => castline.simulate(plan, x), (x) => castline.simulate(plan, goal, x),
    ...['fallback', 'world', 'at', 'signal'].map((name) => (x) => castline.simulate(plan, goal, { [name]: x })),
  ],
  'bounds': [(x) => castline.bounds(x, goal), (x) => castline.bounds(plan, x), (x) => castline.bounds(plan, goal, x), (x) => castline.bounds(plan, goal, { world: x })],
  'new Rollout': [
    (x) => new Rollout(x, goal, { at }), (x) => new Rollout(plan, x, { at }), (x) => new Rollout(plan, goal, x),
    (x) => new Rollout(plan, goal, { at: x }), (x) => new Rollout(plan, goal, { at, fallback: x }),
  ],
  'Rollout.on': [(x) => started().on(x), (x) => started().on({ type: 'tick', at: x }), (x) => started().on({ type: x, at })],
  'Rollout.fleet': [(x) => started().fleet(x)],
  'Ledger.fromLines': [(x) => Ledger.fromLines(x), (x) => Ledger.fromLines('', x), (x) => Ledger.fromLines('', { head: x }), (x) => Ledger.fromLines('', { within: x })],
  'Ledger.append': [
    (x) => ledger.append(x, 'ann', { kind: 'note', text: 'x' }), (x) => ledger.append(at, x, { kind: 'note', text: 'x' }),
    (x) => ledger.append(at, 'ann', x), (x) => ledger.append(at, 'ann', { kind: 'note', text: x }),
  ],
  'Ledger': ['history', 'current', 'release', 'previousGood', 'rollbackTarget', 'imagesNeeded'].map((name) => (x) => ledger[name](x)),
  'importKubernetes': [(x) => castline.importKubernetes(x), (x) => castline.importKubernetes('{}', x), (x) => castline.importKubernetes('{}', { namespace: x })],
  'importDocker': [(x) => castline.importDocker(x), (x) => castline.importDocker('[]', x), (x) => castline.importDocker('[]', { zone: x })],
  'importAws': [(x) => castline.importAws(x), (x) => castline.importAws([x])],
  'importPacker': [(x) => castline.importPacker(x), (x) => castline.importPacker('{}', x), (x) => castline.importPacker('{}', { region: x })],
}

function options(name, ...known) {
  return known.map((option) => (x) => castline[name]('oci:/nowhere', { [option]: x }))
}

test('whatever is given, an error says so with a code, and nothing crashes', async () => {
  let [calls, refused] = [0, 0]
  const tried = async (name, call, junk, isTold) => {
    calls += 1
    try {
      await call(junk)
    } catch (error) {
      refused += 1
      // Some values are their own reason, as those of aborted signals are.
      assert.ok(isTold(error), `${name} with ${typeof junk === 'object' ? 'an object' : String(junk).slice(0, 40)}: ${error?.stack}`)
    }
  }
  for (const [name, variants] of Object.entries(CALLS)) {
    for (const call of variants) {
      for (const junk of JUNK) await tried(name, call, junk, told)
      for (const junk of HOSTILE) await tried(name, call, junk, (error) => told(error) || error.code === 'HOSTILE' || error instanceof TypeError)
    }
  }
  assert.ok(calls > 5000 && refused > calls / 2, `${refused} of ${calls} refused`)
  // And all is as it was.
  assert.ok(castline.planSync(goal).equals(plan))
})

test('every function and method that takes something is among them', () => {
  const covered = Object.keys(CALLS).join(' ')
  for (const [name, value] of Object.entries(castline)) {
    if (typeof value !== 'function' || name.endsWith('Error')) continue
    if (!/^class /.test(Function.prototype.toString.call(value))) assert.ok(name in CALLS, name)
    else {
      for (const [on, of] of [[value, `${name}.`], [value.prototype, `${name}.`]]) {
        for (const method of Object.getOwnPropertyNames(on)) {
          const { value: does } = Object.getOwnPropertyDescriptor(on, method)
          if (typeof does !== 'function' || does.length === 0 || ['constructor', 'prototype', 'equals'].includes(method)) continue
          assert.ok(covered.includes(`${of}${method}`) || `${name}` in CALLS, `${of}${method}`)
        }
      }
    }
  }
})

test('what is wrong is said: the value, what was wanted, and misspelt options', async () => {
  const cases = [
    [() => new castline.Digest(5), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: 'the text must be a string, not a number' }],
    [() => new Fleet('web', 'x'), { code: 'ERR_INVALID_ARG_TYPE', message: /iterable/ }],
    [() => new Fleet('\ud800', []), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /surrogate/ }],
    [() => Release.ofProviderImage('web', image, -1), { name: 'RangeError', message: /number of replicas .* from 0/ }],
    [() => Release.ofProviderImage('web', image, 1.5), { name: 'RangeError', message: /whole number/ }],
    [() => new Policy({ budgets: [{ maxSurge: NaN }] }), { name: 'RangeError', message: /maxSurge.*NaN/ }],
    [() => new Policy({ windows: [new Map()] }), { name: 'TypeError', message: /plain object/ }],
    [() => new Policy({ attempts: 10n ** 30n }), (error) => told(error)],
    [() => new Policy(cyclic), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE', message: /circular/ }],
    [() => Policy.fromJSON(deep), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }],
    [() => castline.planSync({}), { code: 'ERR_INVALID_ARG_TYPE' }],
    [() => castline.checkSync({}, goal), { message: 'a Plan is needed, not an object of class Object' }],
    [() => new Rollout(plan, goal, { at, fallbacks: [] }), { message: /there is no option `fallbacks`/ }],
  ]
  for (const [call, expected] of cases) assert.throws(call, expected)
  await assert.rejects(castline.verify('oci:x', { job: 1 }), { code: 'ERR_INVALID_ARG_TYPE', message: /no option `job`: .*jobs/ })
  await assert.rejects(castline.compare(rootfs, rootfs, { progress() {} }), { message: /no option `progress`/ })
  await assert.rejects(castline.verify('oci:x', { jobs: 0 }), { name: 'RangeError' })
  await assert.rejects(castline.verify(path.join(VECTORS, 'layouts')), { code: 'INVALID_REFERENCE' })
  await assert.rejects(castline.plan(target(budgets(0, 0))), { code: 'budgets-in-conflict' })
})
