'use strict'

const { binding, call, frozen, json } = require('./native.cjs')

const from = (tool, documents, options = {}) =>
  call(() => frozen(binding.importFrom(tool, [documents].flat(), json(options))))

/** Fleets and policies out of `kubectl get … -o json`. */
const importKubernetes = (documents, options) => from('kubernetes', documents, options)
/** Fleets out of `docker inspect` or `podman inspect`. */
const importDocker = (documents, options) => from('docker', documents, options)
/** Fleets out of `aws ec2 describe-instances` and `aws autoscaling describe-auto-scaling-groups`. */
const importAws = (documents) => from('aws', documents)
/** The one image that Packer's `manifest.json` has. */
const importPacker = (manifest, options) => from('packer', manifest, options)

module.exports = { importKubernetes, importDocker, importAws, importPacker }
