// Every line of the tables that all languages run.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test from 'node:test'
import * as castline from 'castline'

const VECTORS = process.env.CASTLINE_VECTORS ?? path.resolve(import.meta.dirname, '../../../tests/vectors')
const { Fleet, Ledger, Policy, Release, Rollout, Rootfs, Target, Time } = castline

const read = (name) => readFileSync(path.join(VECTORS, name))
const ESCAPES = { t: '\t', n: '\n', 0: '\0', e: '\x1b' }
const unescaped = (text) => text.replace(/\\(.)/g, (_, one) => ESCAPES[one] ?? one)

async function coded(run) {
  try {
    return await run()
  } catch (error) {
    if (error instanceof castline.CastlineError) return `!${error.code}`
    throw error
  }
}

/** `--name value` pairs, and `--name` alone. */
function flagged(words) {
  const flags = {}
  let name
  for (const word of words) {
    if (word.startsWith('--')) flags[(name = word)] ??= []
    else flags[name].push(word)
  }
  return flags
}

function codes({ findings, intact, complete }) {
  const found = findings.map(({ code, level }) => (level === 'error' ? code : `${level}:${code}`))
  const text = found.join(' ') || 'intact'
  return intact && complete === false ? `${text} incomplete` : text
}

/** The reference with its path below the vectors. */
function placed(text) {
  const at = text.indexOf(':')
  return `${text.slice(0, at)}:${path.join(VECTORS, text.slice(at + 1))}`
}

async function verify(words, text) {
  const flags = flagged(words)
  const platform = flags['--platform']?.[0]
  const { report } = await castline.verify(placed(text), { platform, unreferenced: '--unreferenced' in flags })
  return codes(report)
}

const NAMED = { 9: '\\t', 10: '\\n', 13: '\\r', 34: '\\"', 39: "\\'", 92: '\\\\' }
/** Bytes as Rust escapes them. */
const shown = (raw) =>
  [...raw]
    .map((b) => NAMED[b] ?? (b > 0x20 && b < 0x7f ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, '0')}`))
    .join('')
const raw = (line, key) => (`${key}Bytes` in line ? Buffer.from(line[`${key}Bytes`], 'base64') : Buffer.from(line[key]))
const named = (line, key) => shown(raw(line, key))

function entry(line) {
  const name = named(line, 'path')
  if ('sameAs' in line || 'sameAsBytes' in line) return `h:${name}=${named(line, 'sameAs')}`
  const device = (line.device ?? []).join(',')
  const [text, usual] = {
    directory: () => [`${line.implicit ? 'D' : 'd'}:${name}`, '0755'],
    file: () => [`f:${name}:${line.size}`, '0644'],
    symlink: () => [`l:${name}->${named(line, 'target')}`, '0777'],
    charDevice: () => [`c:${name}:${device}`, '0644'],
    blockDevice: () => [`b:${name}:${device}`, '0644'],
    fifo: () => [`p:${name}`, '0644'],
  }[line.type]()
  const xattrs = Object.entries(line.xattrs ?? {}).map(([key, value]) => `:${key}=${value}`)
  return text + (line.mode === usual ? '' : `:${line.mode}`) + xattrs.join('')
}

async function tree(text) {
  const { report } = await castline.verify(placed(text))
  if (!report.intact) return codes(report)
  let lines
  try {
    lines = (await castline.tree(placed(text))).toJSONLines()
  } catch (error) {
    if (error instanceof castline.InvalidImageError) return codes(error.report)
    throw error
  }
  assert.deepEqual(Rootfs.fromJSONLines(lines).toJSONLines(), lines)
  const entries = Buffer.from(lines).toString().split('\n').filter(Boolean).map((line) => entry(JSON.parse(line)))
  return entries.filter((one) => one !== 'D:' && one !== 'd:').join(' ')
}

async function drift(words, text) {
  const flags = flagged(words)
  const [shipped, actual] = text.split(' ').map((name) => Rootfs.fromJSONLines(read(name)))
  const report = await castline.compare(shipped, actual, {
    profile: flags['--profile']?.[0],
    ignore: flags['--ignore'],
    mounts: flags['--mount'],
    mtime: '--mtime' in flags,
  })
  const found = report.findings.map((one) => {
    const line = `${one.severity}:${one.code}:${named(one, 'path')}`
    return one.code === 'modified' ? `${line}:${(one.attributes ?? []).join(',')}` : line
  })
  return found.join(' ') || 'clean'
}

function reference(text) {
  const { transport, path, tag, digest, position } = new castline.Reference(text)
  const words = [transport, `path=${path}`]
  if (tag !== null) words.push(`tag=${tag}`)
  if (digest !== null) words.push(`digest=${digest}`)
  if (position !== null) words.push(`index=${position}`)
  return words.join(' ')
}

function window(text) {
  const [schedule, duration, zone, now] = text.split('|')
  const read = new castline.Window(schedule, BigInt(duration), zone)
  return `${read.isOpen(now) ? 'open' : 'closed'} ${read.nextOpen(now) ?? 'None'}`
}

function amountOf(text) {
  const at = text.lastIndexOf(' of ')
  return String(new castline.Amount(text.slice(0, at)).of(BigInt(text.slice(at + 4))))
}

function digest(kind, raw) {
  const read = kind.fromJSON(raw)
  assert.ok(kind.fromJSON(read.toCanonical()).digest.equals(read.digest))
  return String(read.digest)
}

const targets = ({ targets }) =>
  targets.map((one) => new Target(Fleet.fromJSON(one.fleet), Release.fromJSON(one.release), Policy.fromJSON(one.policy)))
const slot = ({ slot }) => (slot === undefined ? '' : `#${slot}`)
const disposed = ({ disposal = 'end' }) => (disposal === 'end' ? '' : `(${disposal})`)

function replacement({ launch, retire, order = 'launchFirst', wave, reason }) {
  const halves = []
  if (launch) {
    const labels = Object.entries(launch.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(',')
    halves.push(`+${launch.zone ?? ''}${slot(launch)}${labels && `{${labels}}`}`)
  }
  if (retire) halves.push(`-${retire.id}${disposed(retire)}`)
  if (order !== 'launchFirst') halves.reverse()
  return `${wave}:${halves.join('')}:${reason}`
}

function stage({ name, after = [], replacements = [], weight, gate = {} }) {
  const words = [`[${name}]`]
  if (after.length) words.push(`after=${after}`)
  words.push(...replacements.map(replacement))
  if (weight !== undefined) words.push(`weight=${weight}`)
  if (gate.bakeSeconds) words.push(`bake=${gate.bakeSeconds}`)
  if ('analysis' in gate) words.push(`analysis=${gate.analysis}`)
  if ('approval' in gate) words.push('approval')
  return words.join(' ')
}

function limit(one) {
  const bounds = ['floor', 'ceiling', 'inFlight'].filter((key) => key in one).map((key) => `${key}=${one[key]}`)
  return [one.name, `of=${one.desired}`, ...bounds].join(' ')
}

async function planned(document, text) {
  let plan
  try {
    plan = await castline.plan(targets(document))
  } catch (error) {
    if (error instanceof castline.InfeasibleError) return `!${error.code} ${error.conflict.map((one) => one.name).join('|')}`
    throw error
  }
  assert.ok(castline.Plan.fromJSON(plan.toJSON()).equals(plan))
  return text(plan)
}

const ACTIONS = {
  launch: (one) => `launch:${one.zone ?? ''}${slot(one)}`,
  retire: (one) => `retire:${one.instance}${disposed(one)}`,
  shift: (one) => `shift:${one.weight}`,
  analyse: (one) => `analyse:${one.name}`,
  ask: () => 'ask',
}

function rollout(document, count) {
  const goals = targets(document)
  const fallback = document.fallback.map((one) => Release.fromJSON(one))
  const run = new Rollout(castline.planSync(goals), goals, { at: new Time(document.start), fallback })
  const keys = []
  for (let event of document.events.slice(0, count)) {
    let key = ''
    const written = JSON.stringify(event)
    const symbol = /"\$(\w+):(\d+)"/.exec(written)
    if (symbol) {
      const ofKind = run.next().actions.filter((one) => one.type === symbol[1]).map((one) => one.key)
      key = (symbol[1] === 'same' ? keys : ofKind)[Number(symbol[2])]
      event = JSON.parse(written.replace(symbol[0], JSON.stringify(key)))
    }
    keys.push(key)
    run.on(event)
  }
  return [run.status.status, ...run.next().actions.map((one) => ACTIONS[one.type](one))].join(' ')
}

function story(ledger, service) {
  const history = ledger.history(service)
  const outcomes = history.map(({ outcome = 'running' }) => (typeof outcome === 'string' ? outcome : Object.keys(outcome)[0]))
  const last = history.length ? ledger.release(history.at(-1).release) : null
  const target = last && ledger.rollbackTarget(last)
  const name = (release) => (release ? release.digest : 'none')
  return `history=${outcomes} current=${ledger.current(service) ?? 'none'} previous=${name(ledger.previousGood(service))} target=${name(target)}`
}

function ledger(words, raw) {
  let read
  try {
    read = Ledger.fromLines(raw)
  } catch (error) {
    if (error instanceof castline.BrokenChainError) return `!${error.code} ${error.position}`
    throw error
  }
  assert.deepEqual(Buffer.from(read.toLines()), raw)
  return words.length ? story(read, words[1]) : `${read.length} ${read.head ?? 'none'}`
}

const TEXTS = {
  'digest.parse': (text) => String(new castline.Digest(text)),
  'platform.parse': (text) => String(new castline.Platform(text)),
  'reference.parse': reference,
  'amount.parse': (text) => String(new castline.Amount(text)),
  'time.parse': (text) => String(new Time(text)),
  'revision.parse': (text) => String(new castline.Revision(text)),
  'amount.of': amountOf,
  'window.open': window,
}

const FILES = {
  'fleet.digest': (raw) => digest(Fleet, raw),
  'release.digest': (raw) => digest(Release, raw),
  'policy.digest': (raw) => digest(Policy, raw),
  'release.revision': (raw) => String(Release.fromJSON(raw).revision),
}

async function build(words, text) {
  const file = path.join(VECTORS, text)
  const { '--compression': [compression] = [] } = flagged(words)
  const place = mkdtempSync(path.join(tmpdir(), 'castline-'))
  try {
    const to = `oci:${place}/layout:built`
    const built = text.endsWith('.json')
      ? await castline.build(JSON.parse(read(text)), to, { folder: path.dirname(file), compression })
      : await castline.build(file, to, { compression, jobs: 2 })
    const { report } = await castline.verify(to, { unreferenced: true })
    assert.ok(report.complete)
    return built.digest
  } finally {
    rmSync(place, { recursive: true })
  }
}

async function run(operation, text) {
  const [name, ...words] = operation.split(' ')
  if (name === 'verify') return verify(words, text)
  if (name === 'tree') return tree(text)
  if (name === 'drift') return drift(words, text)
  if (name === 'build') return coded(() => build(words, text))
  if (name in TEXTS) return coded(() => TEXTS[name](unescaped(text)))
  const raw = read(text)
  if (name in FILES) return coded(() => FILES[name](raw))
  switch (name) {
    case 'plan':
      return planned(JSON.parse(raw), (plan) => (plan.empty ? 'empty' : plan.stages.map(stage).join(' ')))
    case 'plan.limits':
      return planned(JSON.parse(raw), (plan) => plan.limits.map(limit).join('; '))
    case 'rollout':
      return rollout(JSON.parse(raw), words.length ? Number(words[1]) : undefined)
    case 'ledger':
      return ledger(words, raw)
  }
  throw new Error(`the table has an unknown operation ${operation}`)
}

test('every line of the table holds', async () => {
  const failures = []
  let count = 0
  for (const line of read('index.tsv').toString().split('\n')) {
    if (!line || line.startsWith('#')) continue
    const [operation, text, expected] = line.split('\t')
    count += 1
    const actual = await run(operation, text).catch((error) => `threw ${error.stack}`)
    if (actual !== expected) failures.push(`${operation} ${text}\n    expected ${expected}\n    actual   ${actual}`)
  }
  assert.ok(count > 1300)
  assert.equal(failures.length, 0, `${failures.length} of ${count} lines differ:\n${failures.slice(0, 20).join('\n')}`)
})
