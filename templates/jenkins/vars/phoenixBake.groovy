// phoenixBake(type: 'foundation', name: 'nodejs')       done in a moment where the recipe has not changed
// phoenixBake(all: true, fromScratch: true)              every layer anew, with the day's security updates
// Also: clouds: ['aws', 'gcp'], builder, verify, force.
Map call(Map how) {
    List what = how.all ? ['--all'] : [phoenix.word('type', how.type), phoenix.word('name', how.name)]
    List words = ['bake'] + what +
        phoenix.option('--cloud', how.clouds) +
        phoenix.option('--builder', how.builder) +
        phoenix.option('--verify', how.verify) +
        (how.force ? ['--force'] : []) +
        (how.fromScratch ? ['--from-scratch'] : [])
    return phoenix.run(phoenix.fileName(['bake', how.all ? 'all' : how.type, how.name]), words)
}
