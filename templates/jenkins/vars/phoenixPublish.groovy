// phoenixPublish(files: ['hello/hello_1.0.12_all.deb'])  all of them or none; runs where the repository's root lies
// Also: repository, replace (with why), waitLock.
Map call(Map how) {
    List files = how.files instanceof List ? how.files : [how.files]
    List words = ['publish']
    for (file in (files ?: [''])) {
        words.add(phoenix.word('file', file))
    }
    words += phoenix.option('--repository', how.repository) +
        phoenix.option('--wait-lock', how.waitLock) +
        phoenix.option('--why', phoenix.because(how.why)) +
        (how.replace ? ['--replace'] : [])
    return phoenix.run(phoenix.fileName(['publish', how.repository]), words)
}
