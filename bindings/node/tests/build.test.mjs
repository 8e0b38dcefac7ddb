// Images that are built: how a description is given, and how the work is stopped. What is built, the vectors say.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { after } from 'node:test'
import { pathToFileURL } from 'node:url'
import * as castline from 'castline'

const folder = mkdtempSync(path.join(tmpdir(), 'castline-'))
after(() => rmSync(folder, { recursive: true }))
const platforms = ['linux/amd64']
const to = `oci:${folder}/layout:page`
writeFileSync(path.join(folder, 'page'), 'hello')

test('a description is a file or its members', async () => {
  const file = path.join(folder, 'image.toml')
  writeFileSync(file, 'platforms = ["linux/amd64"]\n[[layers]]\nfile = "page"\n')
  const members = { platforms: [new castline.Platform('linux/amd64')], layers: [{ file: 'page' }] }
  const [first, ...others] = await Promise.all([
    castline.build(file, to),
    castline.build(pathToFileURL(file), new castline.Reference(`oci-archive:${folder}/page.tar`)),
    castline.build(members, to, { folder, jobs: 1 }),
    castline.build(members, to, { folder: pathToFileURL(folder), created: new Date(0) }),
  ])
  for (const other of others) assert.deepEqual(other.toJSON(), first.toJSON())
  const { images: [found] } = await castline.inspect(to)
  assert.equal(found.digest, first.digest)
  assert.equal(typeof first.images[0].layers[0].bytes, 'bigint')
  assert.ok(Object.isFrozen(first) && Object.isFrozen(first.images[0].layers[0]))
  const later = await castline.build(members, to, { folder, created: '2026-11-23T22:50:00Z' })
  assert.notEqual(later.digest, first.digest)
  assert.equal((await castline.build({ ...members, created: new castline.Time('2026-11-23T22:50:00Z') }, to, { folder })).digest, later.digest)
  const index = await castline.build({ platforms: ['linux/amd64', 'linux/arm64'] }, to)
  assert.deepEqual([...index].map((one) => one.platform.architecture), ['amd64', 'arm64'])
})

test('what cannot be built says why', async () => {
  const none = `oci:${folder}/none`
  await assert.rejects(castline.build({ platfroms: platforms }, none), { code: 'INVALID_DOCUMENT', message: /platfroms/ })
  await assert.rejects(castline.build('/nowhere/at/all.toml', none), { code: 'IO', message: /nowhere/ })
  await assert.rejects(castline.build({ platforms }, 'docker-archive:image.tar'), { code: 'UNSUPPORTED' })
  await assert.rejects(castline.build({ platforms }, none, { jobs: 0 }), { code: 'ERR_OUT_OF_RANGE' })
  await assert.rejects(castline.build({ platforms }, none, { compression: 'xz' }), { message: /compression must be/ })
  await assert.rejects(castline.build('image.toml', none, { folder }), { code: 'ERR_INVALID_ARG_TYPE' })
  for (const wrong of [5, null, undefined]) await assert.rejects(castline.build(wrong, none), { code: 'ERR_INVALID_ARG_TYPE' })
  await assert.rejects(castline.build({ platforms }, 5), { code: 'ERR_INVALID_ARG_TYPE' })
  assert.ok(!readdirSync(folder).includes('none'))
})

test('a build is stopped and leaves no archive', async () => {
  writeFileSync(path.join(folder, 'zeros'), '')
  truncateSync(path.join(folder, 'zeros'), 2 ** 30)
  const description = { platforms, compression: 'none', layers: [{ file: 'zeros' }] }
  const archive = `oci-archive:${folder}/zeros.tar`
  await assert.rejects(castline.build(description, archive, { folder, signal: AbortSignal.timeout(100) }), { name: 'TimeoutError' })
  const enough = new Error('enough')
  const progress = () => { throw enough }
  await assert.rejects(castline.build(description, archive, { folder, progress }), enough)
  assert.deepEqual(readdirSync(folder).filter((name) => name.includes('zeros')), ['zeros'])
})
