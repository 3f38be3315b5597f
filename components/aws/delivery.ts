import { Distribution } from "@pulumi/aws/cloudfront/distribution.js";
import { OriginAccessControl } from "@pulumi/aws/cloudfront/originAccessControl.js";
import type { Bucket } from "@pulumi/aws/s3/bucket.js";
import * as pulumi from "@pulumi/pulumi";
import { cloudName, tagsOf } from "./naming.ts";

/** https://docs.aws.amazon.com/AmazonCloudFront/latest/APIReference/API_OriginAccessControlConfig.html */
const longestName = 64;

/** CachingOptimized: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html */
const cachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/**
 * SimpleCORS, for fonts and scripts that pages of other origins load: what everyone may read, their pages may, too. That
 * of the bucket would be kept as the first visitor got it.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
 */
const simpleCors = "60669652-455b-4ae9-85a4-c4c02393f86c";

/**
 * CloudFront before a bucket that stays private: visitors reach what the bucket's policy lets CloudFront read, over
 * HTTPS alone, from a place near them.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
 */
export class Delivery extends pulumi.ComponentResource {
  /** Where it is reached, a name of CloudFront's. */
  readonly domain: pulumi.Output<string>;
  /** What the bucket's policy calls it. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: { readonly bucket: Bucket }, options?: pulumi.ComponentResourceOptions) {
    super("berth:aws:Delivery", name, {}, options);
    const access = new OriginAccessControl(
      `${name}-access`,
      {
        name: cloudName(name, longestName),
        originAccessControlOriginType: "s3",
        signingBehavior: "always",
        signingProtocol: "sigv4",
      },
      { parent: this },
    );
    const distribution = new Distribution(
      `${name}-distribution`,
      {
        enabled: true,
        comment: cloudName(name, longestName),
        isIpv6Enabled: true,
        httpVersion: "http2and3",
        // Europe and North America: the others cost more.
        priceClass: "PriceClass_100",
        origins: [
          {
            originId: "bucket",
            domainName: args.bucket.bucketRegionalDomainName,
            originAccessControlId: access.id,
          },
        ],
        defaultCacheBehavior: {
          targetOriginId: "bucket",
          viewerProtocolPolicy: "redirect-to-https",
          allowedMethods: ["GET", "HEAD"],
          cachedMethods: ["GET", "HEAD"],
          cachePolicyId: cachingOptimized,
          responseHeadersPolicyId: simpleCors,
          compress: true,
        },
        restrictions: { geoRestriction: { restrictionType: "none" } },
        viewerCertificate: { cloudfrontDefaultCertificate: true },
        tags: tagsOf("media", "delivery"),
      },
      { parent: this },
    );
    this.domain = distribution.domainName;
    this.arn = distribution.arn;
    this.registerOutputs();
  }
}
