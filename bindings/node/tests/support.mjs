// What the tests share: examples, an image that takes a while, and what is beneath the package.
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import v8 from 'node:v8'
import vm from 'node:vm'
import * as castline from 'castline'

export const require = createRequire(import.meta.url)
export const PACKAGE = path.dirname(require.resolve('castline/package.json'))
export const VECTORS = process.env.CASTLINE_VECTORS ?? path.resolve(import.meta.dirname, '../../../tests/vectors')
/** What only castline's own modules see. */
export const native = require(path.join(PACKAGE, 'castline.node'))

export const image = { provider: 'aws', id: 'ami-2', provenance: { builder: 'packer' } }
export const budgets = (maxUnavailable, maxSurge) => new castline.Policy({ budgets: [{ maxUnavailable, maxSurge }] })
export const instances = (count) => Array.from({ length: count }, (_, n) => ({ id: `w${n}`, image: 'ami-1' }))
export const target = (policy = budgets(1, 0), count = 3) =>
  new castline.Target(
    new castline.Fleet('web', instances(count)),
    castline.Release.ofProviderImage('web', image, count),
    policy,
  )

/** An image of one layer with so many bytes of zeros, which are an empty tar; `dispose` removes it. It may declare another size. */
export function largeImage(size, declared = size) {
  const folder = mkdtempSync(path.join(tmpdir(), 'castline-'))
  mkdirSync(path.join(folder, 'blobs/sha256'), { recursive: true })
  const blob = (raw, kind) => {
    const digest = createHash('sha256').update(raw).digest('hex')
    writeFileSync(path.join(folder, 'blobs/sha256', digest), raw)
    return { mediaType: `application/vnd.oci.image.${kind}`, digest: `sha256:${digest}`, size: raw.length }
  }
  const text = (value) => Buffer.from(JSON.stringify(value))
  const layer = blob(Buffer.alloc(size), 'layer.v1.tar')
  const config = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [layer.digest] } }
  const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json' }
  const whole = { ...manifest, config: blob(text(config), 'config.v1+json'), layers: [{ ...layer, size: 'DECLARED' }] }
  const stated = Buffer.from(JSON.stringify(whole).replace('"DECLARED"', String(declared)))
  writeFileSync(path.join(folder, 'index.json'), text({ schemaVersion: 2, manifests: [blob(stated, 'manifest.v1+json')] }))
  writeFileSync(path.join(folder, 'oci-layout'), '{"imageLayoutVersion": "1.0.0"}')
  return { folder, reference: `oci:${folder}`, dispose: () => rmSync(folder, { recursive: true }) }
}

/** Collects garbage, and lets what waits for that run. */
export async function collect() {
  v8.setFlagsFromString('--expose-gc')
  const gc = vm.runInNewContext('gc')
  for (let round = 0; round < 4; round += 1) {
    gc()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
