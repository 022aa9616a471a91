// phoenixRoll(service: 'web-tier', environment: 'prod', packages: [hello: '1.0.12'])
// Also: image, samePackages (those that serve now), strategy, bake, noTraffic, adopt, waitLock, why.
//
// Where the roll holds (exit code 8: noTraffic, or a hold of its canary) a person is asked, and the answer ends in
// `phoenix promote` or `phoenix abort`. `ask: false` returns [code: 8, run: ID] instead, so that a later stage without
// an agent can ask: see phoenixPromote. submitter, hours: who may answer, and within how many hours.
Map call(Map how) {
    List words = ['roll', phoenix.word('service', how.service)] +
        phoenix.option('--environment', how.environment) +
        phoenix.option('--image', how.image) +
        phoenix.packages(how.packages) +
        (how.samePackages ? ['--same-packages'] : []) +
        phoenix.option('--strategy', how.strategy) +
        (how.bake ? ['--bake'] : []) +
        (how.noTraffic ? ['--no-traffic'] : []) +
        (how.adopt ? ['--adopt'] : []) +
        phoenix.option('--wait-lock', how.waitLock) +
        phoenix.option('--why', phoenix.because(how.why))
    Map done = phoenix.run(phoenix.fileName(['roll', how.service, how.environment]), words, true)
    if (done.code == 8 && how.ask != false) {
        return phoenixPromote(
            run: done.run, ask: "${how.service} holds: ${done.run}. Give it traffic?", submitter: how.submitter,
            hours: how.hours
        )
    }
    return done
}
