// Loaded into elasticdump before it starts (node --require). It asks the engine's GET / for a version, which the
// distribution of Elasticsearch that is measured doesn't have: here it is told. All else is elasticdump's own.
const path = require('path')
const Base = require(path.join(process.env.ELASTICDUMP, 'lib/transports/__es__/_base.js'))

Base.prototype.version = function (prefix, callback) {
  this.ESFullversion = process.env.ELASTICSEARCH_VERSION
  this.ESversion = this.ESFullversion.split('.')[0]
  this.ESDistribution = 'elasticsearch'
  this.DistributionVersion = this.ESFullversion
  this.IsOpenSearch = false
  this.setSearchBody()
  callback()
}
