import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Application, ReflectionKind } from "typedoc";
import { pageOf } from "./page.js";

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, "../../..");

/** The packages that have a reference, and where each one's page is. */
export const packages = [
  { folder: "sdk/web", at: "", title: "Web SDK" },
  { folder: "sdk/react", at: "react", title: "React" },
];

/** Writes the pages into a folder; throws if an export or a field has no comment, or a comment links to nothing. */
export async function build(to) {
  for (const { folder, at, title } of packages) {
    const readme = await readFile(join(root, folder, "README.md"), "utf8");
    const page = pageOf({ title, at, readme, reference: await referenceOf(folder) });
    await mkdir(join(to, at), { recursive: true });
    await writeFile(join(to, at, "index.html"), page);
  }
  await copyFile(join(here, "sdk.css"), join(to, "sdk.css"));
}

/** What the comments of a package say, in Markdown. */
async function referenceOf(folder) {
  const scratch = await mkdtemp(join(tmpdir(), "rotunda-sdk-docs-"));
  try {
    const app = await Application.bootstrapWithPlugins({
      plugin: ["typedoc-plugin-markdown"],
      tsconfig: join(root, folder, "tsconfig.json"),
      entryPoints: [join(root, folder, "src/index.ts")],
      readme: "none",
      logLevel: "Warn",
      disableSources: true,
      excludeInternal: true,
      excludePrivate: true,
      excludeExternals: true,
      validation: { notExported: false, invalidLink: true, notDocumented: true },
      requiredToBeDocumented: ["Class", "Function", "Interface", "TypeAlias", "Method", "Variable"],
      treatValidationWarningsAsErrors: true,
      outputFileStrategy: "modules",
      hidePageHeader: true,
      hideBreadcrumbs: true,
      useCodeBlocks: true,
      interfacePropertiesFormat: "table",
      typeAliasPropertiesFormat: "table",
      enumMembersFormat: "table",
      parametersFormat: "table",
    });
    const project = await app.convert();
    if (!project) throw new Error(`${folder} does not compile`);
    app.validate(project);
    const bare = fieldsWithoutComment(project);
    if (bare.length > 0) throw new Error(`${folder}: no comment at ${bare.join(", ")}`);
    await app.outputs.writeOutput({ name: "markdown", path: scratch }, project);
    if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new Error(`${folder}: see above`);
    return await readFile(join(scratch, "README.md"), "utf8");
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Of classes and interfaces. What stands within the type of a field is told of by the field's own comment. */
function fieldsWithoutComment(project) {
  return project
    .getReflectionsByKind(ReflectionKind.Property)
    .filter((field) => !field.hasComment() && field.parent?.name !== "__type")
    .map((field) => field.getFullName());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build(join(root, "apps/docs/public/sdk"));
