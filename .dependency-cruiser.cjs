// The arrows of docs/architecture.md, checked: who may import whom among the packages, and no circles anywhere.
const ARROWS = {
  core: [],
  schedulers: ['core'],
  metrics: ['core'],
  augment: ['core'],
  'captcha-gen': ['core'],
  datasets: ['core', 'augment'],
  optimizers: ['core'],
  'models-core': ['core'],
  'models-resnet': ['core', 'models-core'],
  'models-efficientnet': ['core', 'models-core'],
  'models-captcha': ['core', 'models-core', 'models-resnet'],
  'tfjs-backend-onednn': ['core'],
  backends: ['core', 'tfjs-backend-onednn'],
  trainer: ['core', 'optimizers'],
  report: ['core'],
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: { path: '^packages/[^/]+/src' }, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies-in-src',
      severity: 'error',
      from: { path: '^packages/[^/]+/src' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'npm-peer', 'npm-optional'],
      },
    },
    ...Object.entries(ARROWS).map(([name, targets]) => ({
      name: `arrows-of-${name}`,
      severity: 'error',
      from: { path: `^packages/${name}/src` },
      to: { path: '^packages/', pathNot: `^packages/(${[name, ...targets].join('|')})/` },
    })),
  ],
  options: {
    // A package is seen by others as what it builds; an import of it ends there.
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['/test/'] },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'default'] },
  },
};
