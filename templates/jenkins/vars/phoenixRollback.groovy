// phoenixRollback(service: 'web-tier', environment: 'prod', why: 'checkout is broken')
// Also: to (a group or an image), packages, waitLock. Where a roll is under way or held, that is aborted.
Map call(Map how) {
    List words = ['rollback', phoenix.word('service', how.service)] +
        phoenix.option('--environment', how.environment) +
        phoenix.option('--to', how.to) +
        phoenix.packages(how.packages) +
        phoenix.option('--wait-lock', how.waitLock) +
        phoenix.option('--why', phoenix.because(how.why))
    return phoenix.run(phoenix.fileName(['rollback', how.service, how.environment]), words)
}
