// More than one thread, and more than one process, of Node.
import assert from 'node:assert/strict'
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import test, { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import * as castline from 'castline'
import { VECTORS, largeImage, target } from './support.mjs'

const LAYOUT = `oci:${path.join(VECTORS, 'layouts/three-layers')}`
const OTHER = fileURLToPath(new URL('other.mjs', import.meta.url))
let large
before(() => { large = largeImage(512 << 20) })
after(() => large.dispose())

const worker = (work, image) => new Worker(OTHER, { workerData: { work, image } })
/** The first message of a worker or a child; its end before that is a failure. */
const told = async (other) => (await Promise.race([once(other, 'message'), once(other, 'exit').then((end) => { throw new Error(`ended: ${end}`) })]))[0]

test('every worker thread has the module, and documents go between them as their plain forms', async () => {
  const goal = target()
  const plan = castline.planSync(goal)
  const workers = Array.from({ length: 4 }, () => worker('plan'))
  for (const one of workers) one.postMessage([goal.fleet, goal.release, goal.policy].map((document) => document.toJSON()))
  for (const made of await Promise.all(workers.map(told))) assert.ok(castline.Plan.fromJSON(made).equals(plan))
  // A document itself has its content in Rust: of a clone nothing is left.
  assert.deepEqual(structuredClone(plan), {})
})

test('a worker thread that is ended while it works ends at once, and takes nothing with it', async () => {
  for (let round = 0; round < 5; round += 1) {
    const workers = Array.from({ length: 3 }, () => worker('verify', large.reference))
    await Promise.all(workers.map(told))
    await Promise.all(workers.map((one) => one.terminate()))
  }
  // The library is still there, and what it was doing was stopped.
  assert.ok((await castline.verify(LAYOUT)).report.complete)
})

test('a worker thread that ends by itself leaves what it has begun', async () => {
  const one = worker('leave', large.reference)
  const [code] = await once(one, 'exit')
  assert.equal(code, 3)
  assert.ok((await castline.verify(LAYOUT)).report.complete)
})

test('the same image is verified on several threads of Node at once', async () => {
  const expected = (await castline.verify(LAYOUT)).report.toJSON()
  const workers = Array.from({ length: 3 }, () => worker('report', LAYOUT))
  for (const report of await Promise.all(workers.map(told))) assert.deepEqual(report, expected)
})

test('a child process has a module of its own', async () => {
  const child = fork(OTHER, ['report', LAYOUT])
  const ended = once(child, 'exit')
  assert.deepEqual(await told(child), (await castline.verify(LAYOUT)).report.toJSON())
  assert.deepEqual(await ended, [0, null])
})

test('a process ends while work is under way, and with the status that it says', async () => {
  const child = spawn(process.execPath, [OTHER, 'leave', large.reference], { stdio: ['ignore', 'pipe', 'inherit'] })
  assert.deepEqual(await once(child, 'exit'), [3, null])
})

test('a process is kept alive by the work that it has begun', async () => {
  const child = spawn(process.execPath, [OTHER, 'print', LAYOUT], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (data) => { text += data })
  await once(child, 'close')
  assert.equal(text, 'true\n')
})
