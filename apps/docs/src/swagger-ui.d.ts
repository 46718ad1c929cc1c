// The package comes without types; these are of the part that is used.
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  export interface Options {
    spec: object;
    domNode: HTMLElement;
    deepLinking: boolean;
    docExpansion: "list" | "full" | "none";
    defaultModelsExpandDepth: number;
    defaultModelExpandDepth: number;
    defaultModelRendering: "example" | "model";
    displayOperationId: boolean;
    displayRequestDuration: boolean;
    operationsSorter?: string;
    persistAuthorization: boolean;
    syntaxHighlight: boolean;
    validatorUrl: null;
    withCredentials: boolean;
    onComplete(): void;
  }
  export default function SwaggerUI(options: Options): unknown;
}
