'use strict'

const { bytes, list, options } = require('./arguments.cjs')
const { frozen, json } = require('./json.cjs')
const { binding, call } = require('./native.cjs')

const from = (tool, documents, choice) => {
  const one = typeof documents === 'string' || documents instanceof Uint8Array
  const texts = (one ? [documents] : list(documents, 'documents')).map((text) => bytes(text, 'a document'))
  const how = json(choice)
  return call(() => frozen(binding.importFrom(tool, texts, how)))
}

/** Fleets and policies out of `kubectl get … -o json`. */
const importKubernetes = (documents, given) => from('kubernetes', documents, options(given, 'namespace', 'container'))
/** Fleets out of `docker inspect` or `podman inspect`. */
const importDocker = (documents, given) => from('docker', documents, options(given, 'zone'))
/** Fleets out of `aws ec2 describe-instances` and `aws autoscaling describe-auto-scaling-groups`. */
const importAws = (documents) => from('aws', documents, {})
/** The one image that Packer's `manifest.json` has. */
const importPacker = (manifest, given) => from('packer', [bytes(manifest, 'the manifest')], options(given, 'region', 'build'))

module.exports = { importKubernetes, importDocker, importAws, importPacker }
